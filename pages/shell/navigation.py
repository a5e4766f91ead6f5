"""The five places of the studio, their tabs and addresses, and where old addresses lead."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Literal

import streamlit as st


@dataclass(frozen=True)
class Tab:
    """A page: its script below `pages/`, what it is called, and its address; `people` where it is
    offered only to those who sign in, `admins` where only to administrators among them.
    """

    script: str
    title: str
    address: str
    icon: str
    offered_to: Literal["all", "people", "admins"] = "all"

    @property
    def path(self) -> str:
        """The script as links name it."""
        return f"pages/{self.script}.py"


@dataclass(frozen=True)
class Place:
    """One of the places of the bar, with its tabs; `step` where it is a step of the work."""

    title: str
    icon: str
    tabs: tuple[Tab, ...]
    step: bool = True

    @property
    def address(self) -> str:
        """The address of its first tab, which tells it from the others."""
        return self.tabs[0].address


HOME = Place("Home", "home", (Tab("home/home", "Home", "home", "home"),), step=False)
PLACES = (
    HOME,
    Place(
        "Data",
        "database",
        (
            Tab("data/items", "Items", "data", "grid_view"),
            Tab("data/add", "Add data", "add-data", "upload"),
            Tab("data/labels", "Labels", "labels", "rule"),
            Tab("data/label", "Labelling", "label", "new_label"),
            Tab("data/growth", "Growth and map", "explore", "trending_up"),
            Tab("data/domains", "Domains", "domains", "travel_explore"),
            Tab("data/versions", "Versions", "versions", "history"),
        ),
    ),
    Place(
        "Train",
        "model_training",
        (
            Tab("train/backbone", "Backbone", "backbone", "account_tree"),
            Tab("train/design", "Design", "design", "tune"),
            Tab("train/live", "Live run", "live", "monitoring"),
        ),
    ),
    Place(
        "Evaluate",
        "fact_check",
        (
            Tab("evaluate/report", "Report", "report", "fact_check"),
            Tab("evaluate/runs", "Runs", "runs", "list"),
            Tab("evaluate/compare", "Compare", "compare", "balance"),
        ),
    ),
    Place(
        "Use",
        "bolt",
        (
            Tab("use/playground", "Predict", "predict", "bolt"),
            Tab("use/batch", "Batch", "batch", "table_view"),
            Tab("use/bundle", "Bundle", "export", "inventory_2"),
            Tab("use/server", "Server", "serve", "dns"),
            Tab("use/watch", "Watch", "watch", "monitor_heart"),
        ),
    ),
)
STUDIO = Place(
    "Studio",
    "memory",
    (
        Tab("admin/account", "Account", "account", "person", "people"),
        Tab("admin/system", "System", "system", "memory"),
        Tab("admin/trash", "Trash", "trash", "delete"),
        Tab("admin/people", "People", "people", "group", "admins"),
        Tab("admin/queue", "Queue", "queue", "low_priority", "admins"),
        Tab("admin/activity", "Activity", "activity", "history", "admins"),
    ),
    step=False,
)


def pages() -> dict[str, list[st.Page]]:
    """Every page for `st.navigation`, by place: a session's own, which it marks as opened."""
    return {title: [copy(page) for page in pages] for title, pages in _found().items()}


@cache
def _found() -> dict[str, list[st.Page]]:
    """Every page. Each is looked up on the disk when it is made, which need not be in each run."""
    return {
        place.title: [
            st.Page(
                tab.path,
                title=tab.title,
                icon=f":material/{tab.icon}:",
                url_path=tab.address,
                default=place is HOME,
            )
            for tab in place.tabs
        ]
        for place in (*PLACES, STUDIO)
    }


def place_of(page: st.Page) -> tuple[Place, Tab]:
    """The place and the tab that a page is."""
    address = page.url_path or HOME.tabs[0].address  # the first page's own address is empty
    return next(
        (place, tab) for place in (*PLACES, STUDIO) for tab in place.tabs if tab.address == address
    )
