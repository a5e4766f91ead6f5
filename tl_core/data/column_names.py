"""Usual names of columns, by what they hold, in the languages that tables come in; all in lower case, words joined."""

from __future__ import annotations

import re

TEXT_NAMES = ("text", "texts", "message", "sentence", "content", "review", "reviewtext", "comment", "commenttext",
    "tweet", "tweettext", "body", "question", "questiontext", "utterance", "query", "document", "doc", "prompt",
    "input", "inputtext", "ticket", "narrative", "fulltext", "cleantext", "rawtext", "articletext", "article",
    "abstract", "statement", "post", "posttext", "description", "snippet", "answertext", "response", "feedback",
    "complaint", "v2", "sms", "title", "subject", "headline", "summary", "文本", "内容", "评论", "句子", "テキスト",
        "本文",
    "texto", "mensaje", "comentario", "texte", "commentaire", "nachricht", "kommentar", "beschreibung", "testo",
    "messaggio", "tekst", "текст")
TITLE_NAMES = frozenset(("title", "subject", "headline", "summary", "betreff", "titel", "titre", "titulo", "título",
    "asunto", "objet", "titolo", "标题", "タイトル", "заголовок"))
TEXT_WORDS = frozenset(("text", "texts", "message", "sentence", "content", "review", "comment", "tweet", "body",
    "narrative", "utterance", "texto", "texte", "testo", "description"))
SURE_LABELS = ("label", "class", "target", "labels", "labeltext", "labelname", "classname", "classlabel",
    "targetname", "goldlabel", "groundtruth", "truelabel", "annotation", "y", "标签", "类别", "分类", "ラベル",
        "クラス",
    "kategorie", "klasse", "categoria", "categoría", "clase", "etiqueta", "etichetta", "classe",
    "étiquette", "catégorie", "категория", "класс", "метка")
LIKELY_LABELS = ("category", "intent", "topic", "sentiment", "tag", "type", "emotion", "emotions", "species",
    "diagnosis", "dx", "polarity", "stance", "genre", "department", "priority", "queue", "breed", "coarselabel",
    "finelabel", "classid", "variety", "cultivar", "spam", "isspam", "toxic", "istoxic", "hate", "sarcastic",
    "issarcastic", "humor", "fake", "verdict", "output", "v1", "section", "newsgroup", "subreddit", "language",
    "lang", "disease", "condition", "finding", "defect", "quality", "outcome", "level", "labelid", "categoryid",
    "categoryname", "intentname", "topicname", "severity", "urgency")
SCORES = ("rating", "ratings", "stars", "starrating", "star", "score", "overall", "grade", "reviewscore",
    "reviewrating", "overallrating", "bewertung", "note", "puntuacion", "puntuación", "评分", "星级", "評価", "оценка")
LABEL_NAMES = SURE_LABELS + LIKELY_LABELS + SCORES
LABEL_WORDS = frozenset(("label", "category", "intent", "topic", "sentiment", "class", "emotion", "diagnosis",
    "species", "rating", "stars", "genre", "polarity"))
IMAGE_NAMES = ("filename", "filepath", "image", "imagepath", "imagename", "imagefile", "path", "file", "img",
    "imgpath", "imgname", "photo", "picture", "imageid", "idcode", "id", "name", "dateiname", "bild", "fichier",
    "archivo")
SPLIT_COLUMNS = frozenset(("split", "splits", "set", "fold", "folds", "kfold", "cvfold", "partition", "subset",
    "usage", "phase", "traintest", "traintestsplit", "datasplit", "datasetsplit", "splitname", "setname", "istest",
    "istrain", "istraining", "isvalid", "isval", "isvalidation", "isdev", "isholdout", "aufteilung", "conjunto",
    "ensemble", "mode"))
_FLAG = re.compile(r"^(is|in|for)")
GROUP_NAMES = frozenset(("patient", "patientid", "lesionid", "subjectid", "customer", "customerid", "user", "userid",
    "author", "authorid", "speaker", "speakerid", "video", "videoid", "session", "sessionid", "conversationid",
    "dialogid", "threadid", "caseid", "studyid", "productid", "groupid", "group", "donor", "animalid", "sceneid",
    "sequenceid"))


def joined(name: str) -> str:
    """A column's name in lower case without what stands between its words: `Review_Text` gives reviewtext."""
    return re.sub(r"[\W_]+", "", name.casefold())


def parts(name: str) -> list[str]:
    """The words of a column's name: `airline_sentiment` gives airline, sentiment."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W\d_]+", apart.casefold())


def is_flag(name: str) -> bool:
    """Whether a column of splits asks one question (is_test), so that 0 and 1 are its answers and no folds."""
    return bool(_FLAG.match(joined(name)))
