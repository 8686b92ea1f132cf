"""Image-report pairs of DICOM studies; what identifies a person stays behind."""
