"""Signing in in a real browser, with a real provider and with passwords: who comes in, who stays
out, who sees whom.
"""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect
from tests_support.datasets import write_texts
from tests_support.processes import kill_all
from tests_support.provider import Provider
from tests_support.studio import Server, settled, upload

from tl_core.access.accounts import Accounts
from tl_core.access.people import Administration, People
from tl_core.access.principal import ADMIN, Principal
from tl_core.access.sharing import Sharing
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import Settings

ROOT = Principal("root", role=ADMIN)
WORDS = "correct horse battery"


@pytest.fixture(scope="module")
def provider():
    pytest.importorskip("oidc_provider_mock")
    made = Provider()
    for name in ("ana", "ben"):
        made.knows(name, name=name.title(), email=f"{name}@example.org", email_verified=True)
    yield made
    made.close()


class Team:
    """A studio with sign-in, and what a test does to it behind the scenes."""

    def __init__(self, server):
        self.server = server
        own = {
            name.removeprefix("TL_").lower(): value
            for name, value in server.environment.items()
            if name in ("TL_HOME", "TL_SIGN_IN", "TL_URL")
        }
        self.settings = Settings(**own)
        self.engine = open_database(self.settings)
        self.people = People(self.engine, self.settings)
        self.administration = Administration(self.engine, ROOT)

    def add(self, who, source, name):
        person = self.people.get(who).principal()
        store = DatasetStore(self.engine, person, self.settings.home_path)
        return add_dataset(store, self.settings, str(source), name, ImportOptions())[0]


def started(home, environment, unpacked):
    home.mkdir()
    (home / "starters").symlink_to(unpacked)
    return Server(home, {"TL_DISPATCHER": "external", **environment})


@pytest.fixture(scope="module")
def team(tmp_path_factory, browser, unpacked, provider):
    home = tmp_path_factory.mktemp("team") / "home"
    server = started(home, provider.settings, unpacked)
    yield Team(server)
    server.process.kill()
    server.process.wait()
    kill_all(home)


@pytest.fixture
def visitor(browser):
    """`visitor()`: a page of somebody with a browser of their own."""
    contexts = []

    def make():
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        return page

    yield make
    for context in contexts:
        context.close()


def sign_in(page, team, who, address="/"):
    page.goto(team.server.url + address)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_placeholder("sub").fill(who)
    page.get_by_role("button", name="Authorize", exact=True).click()
    page.wait_for_url(f"{team.server.url}/**")


def test_a_deep_link_is_kept_through_the_provider(team, visitor, picture):
    page = visitor()
    page.goto(f"{team.server.url}/add-data?x=1")
    page.get_by_role("heading", name="Graft Studio").wait_for()
    picture(page, "sign-in")
    sign_in(page, team, "ana", "/add-data?x=1")
    page.get_by_role("heading", name="Add data", exact=True).wait_for()
    assert page.url.startswith(f"{team.server.url}/add-data?x=1")
    page.get_by_text("Ana", exact=True).first.wait_for(state="attached")


def test_signing_out_ends_it_here(team, visitor):
    page = visitor()
    sign_in(page, team, "ana")
    page.get_by_role("heading", name="Graft Studio").wait_for()
    page.goto(f"{team.server.url}/sign-out")
    page.get_by_role("button", name="Yes").or_(page.get_by_role("button")).first.click()
    page.goto(f"{team.server.url}/data")
    page.get_by_role("link", name="Sign in").wait_for()


@pytest.mark.parametrize("how", ["signed out everywhere", "disabled"])
def test_an_open_tab_of_somebody_who_is_put_out_shows_nothing_more(team, visitor, how):
    page = visitor()
    sign_in(page, team, "ben")
    page.get_by_role("heading", name="Graft Studio").wait_for()
    ben = team.people.known(team_issuer(team), "ben")
    time.sleep(1.1)  # claims have whole seconds
    (team.administration.sign_out if how.startswith("signed") else team.administration.disable)(
        ben.id
    )
    settled(page)
    page.get_by_role("link", name="Train").first.click()
    page.get_by_text("Sign in again", exact=True).wait_for()
    expect(page.get_by_role("link", name="Data")).to_have_count(0)
    page.reload()
    page.get_by_role("link", name="Sign in").wait_for()
    if how == "disabled":
        sign_in(page, team, "ben")
        page.get_by_text("disabled").wait_for()
        team.administration.enable(ben.id)


def team_issuer(team):
    return next(one.issuer for one in team.people.list())


def test_two_people_do_not_see_each_other_until_one_shares(team, visitor, tmp_path):
    ana, ben = visitor(), visitor()
    sign_in(ana, team, "ana")
    sign_in(ben, team, "ben")
    team.add("ana", write_texts(tmp_path / "t.csv", 60), "tickets")
    ana.goto(f"{team.server.url}/data?dataset=tickets@1")
    ana.get_by_text("tickets@1").first.wait_for()
    for address in ("/data?dataset=tickets@1", "/data?dataset=ana/tickets@1"):
        ben.goto(team.server.url + address)
        ben.get_by_text("There is no dataset").wait_for()
    who = team.people.get("ana").principal()
    Sharing(team.engine, who).share("project", "tickets", "ben", "viewer")
    ben.goto(f"{team.server.url}/data?dataset=ana/tickets@1")
    ben.get_by_text("60 texts").first.wait_for()


def test_a_role_counts_from_the_next_click(team, visitor, tmp_path):
    page = visitor()
    sign_in(page, team, "ana", "/add-data")
    upload(page, write_texts(tmp_path / "t.csv", 60))
    page.get_by_role("textbox", name="Name of the dataset").fill("other")
    settled(page)
    ana = team.people.get("ana")
    team.administration.set_role(ana.id, "viewer")
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_text("Your role here is viewer").wait_for()
    team.administration.set_role(ana.id, "member")
    assert "other" not in {
        one.name for one in DatasetStore(team.engine, ana.principal(), team.server.home).list()
    }


def test_media_and_streams_are_closed_to_strangers(team, visitor):
    page = visitor()
    for path in ("/media/x.jpg", "/_stcore/metrics", "/_stcore/upload_file/a/b"):
        assert page.request.get(team.server.url + path).status == 401
    page.goto(f"{team.server.url}/sign-in")
    closed = page.evaluate(
        """() => new Promise(end => {
            const socket = new WebSocket(location.origin.replace('http', 'ws') + '/_stcore/stream');
            socket.onopen = () => end('open'); socket.onclose = () => end('closed');
        })"""
    )
    assert closed == "closed"


@pytest.fixture(scope="module")
def office(tmp_path_factory, browser, unpacked):
    home = tmp_path_factory.mktemp("office") / "home"
    server = started(
        home, {"TL_SIGN_IN": "accounts", "TL_URL": "http://localhost:{port}"}, unpacked
    )
    yield Team(server)
    server.process.kill()
    server.process.wait()
    kill_all(home)


def test_an_invitation_leads_in_and_a_password_back_in(office, visitor, picture):
    secret = Accounts(office.engine, office.settings).invite(ROOT, "admin")
    page = visitor()
    page.goto(f"{office.server.url}/invite/{secret}")
    picture(page, "invitation")
    page.get_by_label("Name to sign in with").fill("eve")
    page.get_by_label("Your name").fill("Eve Adams")
    page.get_by_label("Password").fill(WORDS)
    page.get_by_role("button", name="Make my account").click()
    page.get_by_text("Eve Adams", exact=True).wait_for()
    other = visitor()
    other.goto(f"{office.server.url}/runs")
    other.get_by_label("Name").fill("eve")
    other.get_by_label("Password").fill("wrong")
    other.get_by_role("button", name="Sign in").click()
    other.get_by_text("do not belong together").wait_for()
    other.get_by_label("Password").fill(WORDS)
    other.get_by_role("button", name="Sign in").click()
    other.get_by_role("heading", name="Runs", exact=True).wait_for()
    other.goto(f"{office.server.url}/sign-out")
    other.get_by_role("button", name="Sign in").wait_for()
    page.reload()  # the other session goes on
    page.get_by_text("Eve Adams", exact=True).wait_for()
