"""One handle over every CLIP that open_clip knows, local checkpoints and the embedded model."""

from __future__ import annotations

from domainclip.backbones.cache import FeatureCache
from domainclip.backbones.handle import Backbone
from domainclip.backbones.load import load_backbone
from domainclip.backbones.prompts import DEFAULT_TEMPLATES
from domainclip.backbones.sites import Site, find_sites

__all__ = [
    "DEFAULT_TEMPLATES",
    "Backbone",
    "FeatureCache",
    "Site",
    "find_sites",
    "load_backbone",
]
