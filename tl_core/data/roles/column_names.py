"""Usual names of columns, by what they hold, in the languages that tables come in; all in lower
case, words joined.
"""

from __future__ import annotations

import re
import unicodedata

TEXT_NAMES = (
    "text",
    "texts",
    "message",
    "sentence",
    "content",
    "review",
    "reviewtext",
    "comment",
    "commenttext",
    "tweet",
    "tweettext",
    "body",
    "question",
    "questiontext",
    "utterance",
    "query",
    "document",
    "doc",
    "prompt",
    "input",
    "inputtext",
    "ticket",
    "narrative",
    "fulltext",
    "cleantext",
    "rawtext",
    "articletext",
    "article",
    "abstract",
    "statement",
    "post",
    "posttext",
    "description",
    "snippet",
    "answertext",
    "response",
    "feedback",
    "complaint",
    "v2",
    "sms",
    "title",
    "subject",
    "headline",
    "summary",
    "文本",
    "内容",
    "评论",
    "句子",
    "テキスト",
    "本文",
    "texto",
    "mensaje",
    "comentario",
    "texte",
    "commentaire",
    "nachricht",
    "kommentar",
    "beschreibung",
    "testo",
    "messaggio",
    "tekst",
    "текст",
    "レビュー",
    "리뷰",
    "отзыв",
    "reseña",
    "resena",
    "recensione",
    "avis",
    "opinión",
    "opinion",
    "opinião",
    "opiniao",
    "opinione",
    "meinung",
    "rezension",
    "beschwerde",
    "beschwerdetext",
)
TITLE_NAMES = frozenset(
    (
        "title",
        "subject",
        "headline",
        "summary",
        "betreff",
        "titel",
        "titre",
        "titulo",
        "título",
        "asunto",
        "objet",
        "titolo",
        "标题",
        "タイトル",
        "заголовок",
    )
)
REMARK_NAMES = frozenset(
    (
        "comment",
        "commenttext",
        "description",
        "snippet",
        "kommentar",
        "comentario",
        "commentaire",
        "beschreibung",
    )
)
"""Names of texts that often stand beside the text itself: a remark on it, a line about it."""
TEXT_WORDS = frozenset(
    (
        "text",
        "texts",
        "message",
        "sentence",
        "content",
        "review",
        "comment",
        "tweet",
        "body",
        "narrative",
        "utterance",
        "texto",
        "texte",
        "testo",
        "description",
    )
)
MARKUP_WORDS = frozenset(("html", "htm", "raw", "xml", "rtf", "json"))
SURE_LABELS = (
    "label",
    "class",
    "target",
    "labels",
    "labeltext",
    "labelname",
    "classname",
    "classlabel",
    "targetname",
    "goldlabel",
    "groundtruth",
    "truelabel",
    "annotation",
    "y",
    "标签",
    "类别",
    "分类",
    "ラベル",
    "クラス",
    "kategorie",
    "klasse",
    "categoria",
    "categoría",
    "clase",
    "etiqueta",
    "etichetta",
    "classe",
    "étiquette",
    "catégorie",
    "категория",
    "класс",
    "метка",
)
LIKELY_LABELS = (
    "category",
    "intent",
    "topic",
    "sentiment",
    "tag",
    "type",
    "emotion",
    "emotions",
    "species",
    "diagnosis",
    "dx",
    "polarity",
    "stance",
    "genre",
    "department",
    "priority",
    "queue",
    "breed",
    "coarselabel",
    "finelabel",
    "classid",
    "variety",
    "cultivar",
    "spam",
    "isspam",
    "toxic",
    "istoxic",
    "hate",
    "sarcastic",
    "issarcastic",
    "humor",
    "fake",
    "verdict",
    "output",
    "v1",
    "section",
    "newsgroup",
    "subreddit",
    "language",
    "lang",
    "disease",
    "condition",
    "finding",
    "defect",
    "quality",
    "outcome",
    "level",
    "labelid",
    "categoryid",
    "categoryname",
    "intentname",
    "topicname",
    "severity",
    "urgency",
    "polaridad",
    "polaridade",
    "polarité",
    "polarite",
    "polarità",
    "sentimiento",
    "sentimento",
    "opinión",
    "opinion",
    "opinião",
    "opiniao",
    "opinione",
    "avis",
    "meinung",
    "stimmung",
    "abteilung",
    "departamento",
    "emoción",
    "emocion",
    "emoção",
    "emozione",
    "thema",
    "tema",
    "sujet",
    "absicht",
    "intención",
    "intencion",
    "diagnose",
    "diagnóstico",
    "diagnostico",
    "diagnostic",
    "情感",
    "情绪",
    "情緒",
    "感情",
    "极性",
    "極性",
    "主题",
    "意图",
    "意図",
    "カテゴリ",
    "カテゴリー",
    "분류",
    "감정",
    "감성",
    "тональность",
    "эмоция",
    "настроение",
    "тема",
)
WEAK_LABELS = frozenset(
    (
        "language",
        "lang",
        "type",
        "level",
        "priority",
        "quality",
        "section",
        "condition",
        "severity",
        "queue",
        "note",
        "grade",
        "urgency",
    )
)
"""Names of classes that as often say something about the item beside the class."""
SCORES = (
    "rating",
    "ratings",
    "stars",
    "starrating",
    "star",
    "score",
    "overall",
    "grade",
    "reviewscore",
    "reviewrating",
    "overallrating",
    "bewertung",
    "note",
    "puntuacion",
    "puntuación",
    "评分",
    "星级",
    "評価",
    "оценка",
)
LABEL_NAMES = SURE_LABELS + LIKELY_LABELS + SCORES
LABEL_WORDS = frozenset(
    (
        "label",
        "category",
        "intent",
        "topic",
        "sentiment",
        "class",
        "emotion",
        "diagnosis",
        "species",
        "rating",
        "stars",
        "genre",
        "polarity",
        "labels",
        "outcome",
        "result",
        "decision",
        "verdict",
        "stance",
        "department",
        "disease",
        "polaridad",
        "polaridade",
        "polarité",
        "polarite",
        "polarità",
        "sentimiento",
        "sentimento",
        "stimmung",
        "kategorie",
        "klasse",
        "categoria",
        "categoría",
        "catégorie",
        "clase",
        "classe",
        "etiqueta",
        "étiquette",
        "etichetta",
        "emoción",
        "emozione",
        "категория",
        "класс",
        "тональность",
    )
)
LABEL_SIGNS = (
    "情感",
    "情绪",
    "情緒",
    "感情",
    "极性",
    "極性",
    "标签",
    "標籤",
    "类别",
    "類別",
    "分类",
    "分類",
    "カテゴリ",
    "ラベル",
    "감정",
    "감성",
    "분류",
    "라벨",
)
"""Words for a class in scripts without blanks: a column's name may hold more than them."""
_NAME_OF = frozenset(("name", "names", "text", "title", "str", "string"))
CONFIDENCES = frozenset(
    (
        "confidence",
        "confidences",
        "conf",
        "probability",
        "probabilities",
        "prob",
        "proba",
        "certainty",
        "konfidenz",
        "confianza",
        "confiance",
    )
)
IMAGE_NAMES = (
    "filename",
    "filepath",
    "image",
    "imagepath",
    "imagename",
    "imagefile",
    "path",
    "file",
    "img",
    "imgpath",
    "imgname",
    "photo",
    "picture",
    "imageid",
    "idcode",
    "id",
    "name",
    "dateiname",
    "bild",
    "fichier",
    "archivo",
)
SPLIT_COLUMNS = frozenset(
    (
        "split",
        "splits",
        "set",
        "fold",
        "folds",
        "kfold",
        "cvfold",
        "partition",
        "subset",
        "usage",
        "phase",
        "traintest",
        "traintestsplit",
        "datasplit",
        "datasetsplit",
        "splitname",
        "setname",
        "istest",
        "istrain",
        "istraining",
        "isvalid",
        "isval",
        "isvalidation",
        "isdev",
        "isholdout",
        "aufteilung",
        "conjunto",
        "ensemble",
        "mode",
    )
)
SPLIT_WORDS = frozenset(
    (
        "split",
        "splits",
        "set",
        "subset",
        "partition",
        "dataset",
        "sample",
        "purpose",
        "usage",
        "teilmenge",
        "datensatz",
        "stichprobe",
        "verwendung",
        "aufteilung",
        "conjunto",
        "ensemble",
        "jeu",
        "insieme",
        "mluse",
        "datatype",
    )
)
_FLAG = re.compile(r"^(is|in|for)")
GROUP_NAMES = frozenset(
    (
        "patient",
        "patientid",
        "lesionid",
        "subjectid",
        "customer",
        "customerid",
        "user",
        "userid",
        "author",
        "authorid",
        "speaker",
        "speakerid",
        "video",
        "videoid",
        "session",
        "sessionid",
        "conversationid",
        "dialogid",
        "threadid",
        "caseid",
        "studyid",
        "productid",
        "groupid",
        "group",
        "donor",
        "animalid",
        "sceneid",
        "sequenceid",
    )
)
SIDE_NAMES = GROUP_NAMES | frozenset(
    (
        "age",
        "sex",
        "gender",
        "country",
        "city",
        "state",
        "location",
        "region",
        "year",
        "month",
        "day",
        "date",
        "time",
        "source",
        "platform",
        "device",
        "username",
        "lang",
        "language",
    )
)
"""Names of columns that tell about an item without being its class."""
_COPY = re.compile(r"( \(\d+\)|\.\d+)$")


def joined(name: str) -> str:
    """A column's name in lower case without what stands between its words: `Review_Text` gives
    reviewtext.
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", name).casefold())


def parts(name: str) -> list[str]:
    """The words of a column's name: `airline_sentiment` gives airline, sentiment."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFC", name))
    return re.findall(r"[^\W\d_]+", apart.casefold())


def is_flag(name: str) -> bool:
    """Whether a column of splits asks one question (is_test), so that 0 and 1 are its answers and
    no folds.
    """
    return bool(_FLAG.match(joined(name)))


def original(name: str, names: list[str]) -> str:
    """The name that a column shares with another one, where it was numbered for that: `label (2)`
    gives label.
    """
    bare = _COPY.sub("", name)
    return bare if bare in names else name


def ends_in_label(name: str) -> bool:
    """Whether a longer name ends in a word for a class, what it says in brackets aside: `Finding
    Labels (all)`.
    """
    words = parts(name.partition("(")[0]) or parts(name)
    if len(words) > 1 and words[-1] in _NAME_OF:
        words.pop()
    return (
        bool(words)
        and words[-1] in LABEL_WORDS
        or any(sign in joined(name) for sign in LABEL_SIGNS)
    )


def is_confidence(name: str) -> bool:
    """Whether a column says how sure somebody was: `sentiment:confidence`."""
    words = parts(name)
    return bool(words) and words[-1] in CONFIDENCES
