"""The words that speak for kinds of figures in captions, each group with its nats.

An entry is (kinds and their log-likelihood ratios, pattern); case is ignored. Languages beside
English: Spanish, Portuguese, French, German, Italian, Russian, Chinese, by stems. All are linear.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["WORDS"]

Speaks = Mapping[str, float]

WORDS: tuple[tuple[Speaks, str], ...] = (
    # what the label says
    (
        {"table": 4.5},
        r"^(?:table|tab\.|tabla|tableau|tabelle|tabela|tabella|таблица|表) ?\w{0,6}[:.\d]",
    ),
    ({"diagram": 3.0}, r"^(?:scheme|schéma|schema|esquema|diagram|схема) ?\w{0,6}[:.]"),
    ({"map": 3.0}, r"^(?:map|mapa|carte|karte|mappa|карта) ?\w{0,6}[:.]"),
    ({"plot": 2.0}, r"^(?:chart|graph|gráfico|graphique|grafik|диаграмма|график) ?\w{0,6}[:.]"),
    ({"photograph": 1.5, "microscopy": 1.0}, r"^(?:plate|photo|foto|photograph) ?\w{0,6}[:.]"),
    ({"other": 4.0}, r"^(?:algorithm|listing|box|code|program) ?\w{0,6}[:.]"),
    # microscopy
    (
        {"microscopy": 4.0},
        r"micrograph|microphotogra|micro[- ]?fotograf|mikrofotogra|микрофотограф",
    ),
    (
        {"microscopy": 3.0},
        r"microscop(?:y|ic|ical) (?:image|view|finding|appear|exam|picture|feature)",
    ),
    ({"microscopy": 2.0}, r"microscop|mikroskop|микроскоп|显微|电镜|electron[- ]?microgr"),
    (
        {"microscopy": 2.5},
        r"h(?:a?e|ä)matoxylin|hematoxilina|hématoxyline|eosin|giemsa|gram[- ]stain",
    ),
    (
        {"microscopy": 2.2},
        r"histopatholog|histolog|histochemi|cytolog|immunostain|immunolabel|immunoreactiv"
        r"|immunopositiv",
    ),
    ({"microscopy": 2.5}, r"immuno-?(?:histo|cyto|fluoresc)|inmunohisto|immunhisto|免疫组化"),
    ({"microscopy": 1.3}, r"stain(?:ed|ing)|\bstains?\b|tinción|coloration|färbung|fluoresc|染色"),
    ({"microscopy": 2.0}, r"confocal|phase[- ]contrast|bright[- ]?field|dark[- ]?field|two-photon"),
    (
        {"microscopy": 2.5},
        r"scalebar|(?:original |high |low )?magnification|maßstab|(?:high|low)[- ]power",
    ),
    (
        {"microscopy": 1.2},
        r"nuclei|cytoplasm|epitheli|fibroblast|neurons? (?:in|of)|granul|biopsy|tissue section",
    ),
    (
        {"microscopy": 0.8},
        r"\bcells?\b|\bcolon(?:y|ies)\b|lesions?\b|bacteria|grain size|microstructur",
    ),
    # radiology
    (
        {"radiology": 3.5},
        r"radiograph|radiografía|radiografia|röntgen|рентген|x-?ray (?:image|film|of the|show)",
    ),
    (
        {"radiology": 3.0},
        r"computed tomogra|computeri[sz]ed tomogra|tomodensito|tomografía|томограф|X线",
    ),
    (
        {"radiology": 3.0},
        r"magnetic resonance (?:imag|angio|scan|cholangio)|resonancia magn|résonance magn|磁共振",
    ),
    (
        {"radiology": 3.0},
        r"ultraso(?:und|nogra)|sonogra|echocardiogra|échogra|ecogra|доплер|doppler|超声",
    ),
    (
        {"radiology": 3.0},
        r"angiogra(?:m|phy|phic)|scintigra|mammogra|fluoroscop|urogra|cholangiogra|arteriogra",
    ),
    (
        {"radiology": 1.8},
        r"\b(?:axial|coronal|sagittal|transaxial)\b|contrast[- ]enhanced|\bscans?\b|hypodens"
        r"|hyperintens|hypointens",
    ),
    ({"radiology": 1.5}, r"chest x-?ray|panoramic|periapical|bitewing|cephalometric|tomogra"),
    (
        {"radiology": 0.8, "microscopy": 0.8, "photograph": 0.6, "plot": -0.8},
        r"\barrow(?:head)?s?\b|asterisks? (?:indicat|mark|show)|flecha|pfeil|flèche",
    ),
    # photograph
    ({"photograph": 3.0}, r"\bphotogra(?:ph|fí|fi)|\bfotogra|\bphotos?\b|фотограф|照片|lichtbild"),
    (
        {"photograph": 2.5},
        r"clinical (?:photo|picture|image|appear|view|present|feature)|gross (?:appear|specimen"
        r"|patholog|photo)|macroscopic",
    ),
    (
        {"photograph": 2.0},
        r"(?:intra-?|extra-?)oral (?:view|photo|image|appear)|intra-?operative|endoscop"
        r"|colonoscop|fundus|dermoscop|laparoscop|bronchoscop|ophthalmoscop|surgical (?:site"
        r"|field|wound|view)|excised|resected",
    ),
    (
        {"photograph": 1.5},
        r"(?:example|sample|test|training|natural|input|original|aerial|satellite|query|video"
        r"|rgb|noisy|blurred) (?:image|picture|frame|photo)s?\b",
    ),
    (
        {"photograph": 1.3},
        r"\bspecimens?\b|\bpatient(?:.s)? (?:at|before|after|with|show)|\bholotype"
        r"|experimental (?:set-?up|apparatus)|portrait|dorsal view|lateral view|habitus"
        r"|\bseedling|\bplants? (?:of|grown|after)",
    ),
    (
        {"photograph": 0.8},
        r"\bimages? (?:of|from|show)|\bpictures? (?:of|from|show)|\bscenes?\b|camera"
        r"|video frames?|appearance of|\bfaces?\b",
    ),
    # map
    (
        {"map": 4.0},
        r"\b(?:location|locality|geographic\w*|study|sampling|topographic\w*|distribution"
        r"|geological|land[- ](?:use|cover)|relief|world|street|risk|sketch|regional|soil|index"
        r"|survey|vegetation|bathymetric|choropleth) maps?\b",
    ),
    (
        {"map": 2.5},
        r"\bmaps? (?:of|show|indicat|depict|with|illustrat)|\bmapa d|\bcarte d|\bkarte (?:von"
        r"|de)|地图|карта",
    ),
    (
        {"map": 2.2},
        r"study (?:area|site|region|location)|sampling (?:site|location|station|point)s?"
        r"|área de estudio|zone d.étude|geographic(?:al)? (?:distribution|location|range)"
        r"|spatial distribution",
    ),
    (
        {"map": 1.2},
        r"\b(?:countr(?:y|ies)|counties|provinces?|districts?|watershed|catchment|latitude"
        r"|longitude|villages?|municipalit\w+)\b",
    ),
    # diagram
    (
        {"diagram": 4.0},
        r"flow[- ]?(?:chart|diagram)|organigram|flussdiagramm|diagrama de flujo|fluxograma"
        r"|diagramme de flux|流程图|блок-схема|block diagram|decision tree",
    ),
    (
        {"diagram": 3.0},
        r"schematic|schéma|schemati|esquem[aá]|схема|示意图|diagrammatic"
        r"|(?<!phase )(?<!cooling )(?<!precipitation )(?<!transformation )(?<!strain )\bdiagrams?\b"
        r"|cartoon",
    ),
    (
        {"diagram": 2.5},
        r"\b(?:workflow|pipeline|generative process|geometry|(?:experimental|study|treatment"
        r"|sampling) protocols?|architecture|framework|conceptual model|graphical model"
        r"|plate notation|study design|experimental design|timeline|topology|state machine"
        r"|automaton|circuit)\b",
    ),
    (
        {"diagram": 1.8},
        r"\boverview of|\bour (?:approach|model|system|method)\b|\b(?:steps|stages|process"
        r"|procedure|protocol) (?:of|for|in)\b|\b(?:proposed|hypothe[ts]i[sc]\w*) (?:model"
        r"|mechanism|method|system|pathway)|\bpathways?\b|\bmechanisms? (?:of|for|by)"
        r"|\binteractions? (?:between|network)|network structure",
    ),
    (
        {"diagram": 1.5},
        r"\billustrat(?:ion|es|ing)|\brepresentation of|ilustraci|\bstructures? of"
        r"|chemical structure|synthesis of|molecular structure|crystal structure"
        r"|secondary structure|ribbon|protein structure|\bgene (?:map|structure)|plasmid"
        r"|\bconstructs?\b",
    ),
    (
        {"diagram": 2.5},
        r"phylogen|cladogram|dendrogram|chronogram|neighbou?r[- ]joining|\b(?:likelihood"
        r"|bayesian|consensus|parsimony|time|species|gene|(?:un)?rooted|suffix|classification"
        r"|search|spanning) trees?\b|\bparse tree|\bdependency (?:tree|graph)|pedigree|ontology"
        r"|hierarch",
    ),
    # plot
    (
        {"plot": 4.5},
        r"forest plot|funnel plot|kaplan[- –]?meier|survival curve"
        r"|box[- ]?(?:and[- ]whisker )?plot|scatter[- ]?(?:plot|gram|diagram)|histogram"
        r"|bar (?:chart|graph|plot|diagram)|pie chart|violin plot|bland[- –]altman"
        r"|receiver operating|risk[- ]of[- ]bias graph|manhattan plot|q-q plot",
    ),
    (
        {"plot": 3.5},
        r"errorbar|heatmap|calibration curve|learning curve|dose[- –]response|\bspectr(?:um|a)\b"
        r"|chromatogram|growth curve|standard curve|isotherm|electrocardiogram"
        r"|electroencephalogram|(?:phase|cooling|transformation|precipitation|equilibrium"
        r"|stress[- –]strain) diagram|diffractogram|diffraction pattern|time[- ]course"
        r"|electropherogram|spectrogram|rarefaction",
    ),
    (
        {"plot": 2.5},
        r"\bplots?\b|\bplotted\b|\bcurves?\b|\bgraphs? (?:show|of|depict|represent|illustrat)"
        r"|\bcharts?\b|\baxis\b|\baxes\b|gráfic[oa]|\bcourbes?\b|\bkurven?\b|\bcurvas?\b|график"
        r"|曲线|diagramm\b|regression line|log[- ]scale|likelihoods? (?:of|on|for|from)",
    ),
    (
        {"plot": 2.2},
        r"mean ?(?:value)?s? ?(?:±|\+/-|\(|and (?:standard|s\.?d))|standard (?:error|deviation)"
        r"|confidence (?:interval|band)|\bbars (?:represent|indicat|show|denote)|(?:solid|dashed"
        r"|dotted|red|blue|black|green) (?:line|curve|bar|dot|circle)s?|significan(?:t|ce"
        r"|tly) (?:differ|at|higher|lower|increas|decreas|compared)|data (?:are|represent)",
    ),
    (
        {"plot": 1.5},
        r"\bversus\b|\bvs\.?\b|as a function of|\bfunction of\b|\bcorrelat|\bregression\b"
        r"|\bdistributions? of\b|\bfrequenc(?:y|ies) of\b|\bpercent(?:age)?s?\b"
        r"|\bproportions? of\b|\bnumber of\b|\brates? (?:of|for|in|by)\b|\bconcentrations?\b"
        r"|\blevels? (?:of|in)\b|\bprevalence|\bincidence",
    ),
    (
        {"plot": 1.2},
        r"\beffects? of\b|\bcomparison (?:of|between)|\bcompared (?:with|to)|\bperformance\b"
        r"|\baccurac(?:y|ies)\b|\bprecision\b|\berrors? (?:of|for|rate)|\bresults? (?:of|for|on)"
        r"|\bchanges? in\b|\bover time\b|\bactivit(?:y|ies)\b|\bexpression (?:of|level|in)"
        r"|\bconvergence|\bscores?\b|\btrends? (?:of|in)\b|\bvariations? (?:of|in)\b"
        r"|\brelationship",
    ),
    # equation, table, other
    ({"equation": 2.5}, r"\b(?:equation|formula|gleichung|ecuación|équation)s?\b(?! \()"),
    (
        {"table": 2.0},
        r"\btable (?:of|show|list)|risk[- ]of[- ]bias|quality assessment|\bsummary table"
        r"|\btabulat|\bconfusion matrix",
    ),
    (
        {"other": 3.5},
        r"western blot|immunoblot|northern blot|southern blot|electrophore|agarose"
        r"|polyacrylamide|\bblots?\b|\blanes?\b|gel shift",
    ),
    (
        {"other": 3.0},
        r"screen[- ]?(?:shot|dump|capture)|user interface|web ?(?:page|site)|front page|\blogo\b"
        r"|pseudo-?code|source code|questionnaire|\bword cloud|capture d.écran"
        r"|captura de pantalla|截图|снимок экрана",
    ),
    (
        {"other": 2.2},
        r"(?:sequence|multiple|amino acid) alignment|alignment of|sample (?:page|text|document)"
        r"|\bexcerpt|annotation (?:tool|interface)|\bbar ?codes?\b|\bprompts?\b",
    ),
)
