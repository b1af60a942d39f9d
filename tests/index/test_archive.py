"""ZIM archives: a question finds the passage, a title its article, and a bad file is refused."""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edge_agent.index import EmptyLibrary, Library, Shelf, UnknownPassage, UnreadableDocument
from edge_agent.index.archive import Archive
from edge_agent.index.query import parse_query

writer = pytest.importorskip("libzim.writer")

NAME = "wiki/bridges.zim"
STAGES = " ".join(
    f"In stage {number} the riveters of the caissons closed span {number} with a thousand rivets, "
    "and the foremen wrote down how many tons of steel had been put up since the spring before."
    for number in range(60)
)
ARTICLES = {
    "Forth_Bridge": (
        "Forth Bridge",
        "<p>The Forth Bridge is a cantilever railway bridge in Scotland, opened in 1890.</p>"
        "<h2>Construction</h2><p>It was built by William Arrol, whose workers drove seven million "
        f"rivets.</p><h3>Stages</h3><p>{STAGES}</p>"
        "<h2>Painting</h2><p>The paint, called Forth Bridge red, was never finished.</p>",
    ),
    "Tay_Bridge": (
        "Tay Bridge",
        "<p>The Tay Bridge carries the railway across the firth at Dundee.</p>"
        "<h2>Disaster</h2><p>Its first one, by Thomas Bouch, fell in a storm in December 1879 "
        "while a train was crossing.</p>",
    ),
    "Tower_Bridge": (
        "Tower Bridge",
        "<p>Tower Bridge in London has bascules.</p><h2>Design</h2><p>Horace Jones drew it.</p>",
    ),
    "Clifton_Suspension_Bridge": (
        "Clifton Suspension Bridge",
        "<p>It spans the Avon Gorge.</p><h2>History</h2><p>Finished after Brunel's death.</p>",
    ),
    "SS_Great_Eastern": (
        "SS Great Eastern",
        "<p>The largest ship of her time.</p><h2>Cable</h2><p>She laid the Atlantic cable of 1866 "
        "under the command of James Anderson.</p>",
    ),
    "Fram_(ship)": (
        "Fram (ship)",
        "<p>A ship for the ice.</p><h2>Hull</h2><p>Colin Archer gave her a round hull.</p>",
    ),
    "Cutty_Sark": ("Cutty Sark", "<p>A tea clipper, kept in Greenwich.</p>"),
    "Isambard_Kingdom_Brunel": (
        "Isambard Kingdom Brunel",
        "<p>An engineer, born in Portsmouth in 1806.</p><h2>Ships</h2><p>He conceived the Great "
        "Eastern.</p>",
    ),
    "Fridtjof_Nansen": (
        "Fridtjof Nansen",
        "<p>An explorer.</p><h2>Prize</h2><p>He won the Nobel Peace Prize in 1922.</p>",
    ),
    "Ada_Lovelace": (
        "Ada Lovelace",
        "<p>A mathematician.</p><h2>Notes</h2><p>She wrote notes on the Analytical Engine.</p>",
    ),
    "Brontë": ("Brontë", "<p>Three sisters of Haworth, all of them novelists.</p>"),
    "The_Who": ("The Who", "<p>A rock band from London.</p>"),
}
HOSTILE = (
    "<html><body><h1>Hostile</h2><p>Zanzibar is far. <script>zanzibar()</script><table><tr><td>"
    "<p>unclosed &bogus; &#xFFFFFFF; \x01" + "<div>" * 2000 + "deep <h2></h2><![CDATA[x]]><!-- "
)


def _item(path: str, title: str, content: str, mimetype: str = "text/html") -> Any:
    class Item(writer.Item):  # type: ignore[misc, name-defined]
        def get_path(self) -> str:
            return path

        def get_title(self) -> str:
            return title

        def get_mimetype(self) -> str:
            return mimetype

        def get_contentprovider(self) -> Any:
            return writer.StringProvider(content)

        def get_hints(self) -> dict[Any, int]:
            return {writer.Hint.FRONT_ARTICLE: mimetype.startswith("text/")}

    return Item()


def write_zim(path: Path, *, index: bool = True) -> Path:
    with writer.Creator(path).config_indexing(index, "eng") as creator:
        for at, (heading, body) in ARTICLES.items():
            page = f"<html><head><title>{heading}</title></head><body><h1>{heading}</h1>{body}"
            creator.add_item(_item(at, heading, page + "</body></html>"))
        creator.add_item(_item("Hostile", "Hostile", HOSTILE))
        creator.add_item(_item("Empty", "Empty", "<html><body></body></html>"))
        creator.add_item(_item("notes.txt", "Workshop notes", "The rivets ran out.", "text/plain"))
        creator.add_item(_item("forth.png", "Forth Bridge picture", "PNG", "image/png"))
        front = {writer.Hint.FRONT_ARTICLE: True}
        creator.add_redirection("Firth_Crossing", "Firth Crossing", "Forth_Bridge", front)
        creator.add_metadata("Language", "eng")
        creator.add_metadata("Title", "Bridges and ships")
    return path


@pytest.fixture(scope="module")
def zim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_zim(tmp_path_factory.mktemp("zim") / "bridges.zim")


@pytest.fixture(scope="module")
def archive(zim: Path) -> Archive:
    return Archive(zim, NAME)


@pytest.fixture(scope="module")
def unindexed(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    path = write_zim(tmp_path_factory.mktemp("zim") / "plain.zim", index=False)
    return Archive(path, "plain.zim")


def titles(archive: Archive, query: str) -> list[str]:
    return [passage.title for passage, _ in archive.search(parse_query(query), 10)]


@pytest.mark.parametrize(
    ("question", "title", "place", "words"),
    [
        ("Who built the Forth Bridge?", "Forth Bridge", "§ Construction", "William Arrol"),
        (
            "In which year did the bridge designed by Thomas Bouch collapse in a storm?",
            "Tay Bridge",
            "§ Disaster",
            "December 1879",
        ),
        (
            "who commanded the great eastern when she laid the atlantic cable",
            None,
            None,
            "Anderson",
        ),
        (
            "Which hull did Colin Archer give to the ship of Nansen?",
            "Fram (ship)",
            "§ Hull",
            "round",
        ),
        ("Where was Isambard Kingdom Brunel born?", "Isambard Kingdom Brunel", None, "Portsmouth"),
        ("the who", "The Who", None, "rock band"),
        ("novelists called Bronte", "Brontë", None, "Haworth"),
        ("zanzibar xylophone", "Hostile", None, "Zanzibar"),
    ],
)
def test_a_question_finds_the_passage(
    archive: Archive, question: str, title: str | None, place: str | None, words: str
) -> None:
    passage, _ = archive.search(parse_query(question), 5)[0]
    assert words in passage.text
    assert title in (None, passage.title)
    assert place in (None, passage.place)


def test_passages_say_where_they_are_from(archive: Archive, zim: Path) -> None:
    passage, _ = archive.search(parse_query("Forth Bridge red paint"), 1)[0]
    assert passage.document == f"{NAME}/Forth_Bridge"
    assert passage.id.startswith(f"{NAME}/Forth_Bridge#")
    assert passage.source == str(zim)
    assert passage.headings == ("Painting",)


def test_results_are_limited_varied_and_in_order(archive: Archive) -> None:
    query = parse_query("riveters caissons rivets steel bridge")
    found = archive.search(query, 20)
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0
    assert sum(passage.title == "Forth Bridge" for passage, _ in found) == 3
    assert len({passage.id for passage, _ in found}) == len(found)
    assert archive.search(query, 2) == found[:2]
    assert archive.search(query, 0) == []


def test_what_a_query_demands_comes_first(archive: Archive) -> None:
    assert titles(archive, 'bridge "Thomas Bouch"')[0] == "Tay Bridge"
    passage, _ = archive.search(parse_query("heading:design bridge"), 5)[0]
    assert passage.headings == ("Design",)
    assert len(set(titles(archive, "heading:design bridge"))) > 1


@pytest.mark.parametrize("query", ["", " ", "?!", "(((", "xyzzyx", "\0", "\ud800"])
def test_what_is_not_there_is_not_found(archive: Archive, query: str) -> None:
    assert archive.search(parse_query(query), 5) == []


@pytest.mark.parametrize(
    "title",
    [
        "Forth Bridge",
        "forth bridge",
        " FORTH  bridge",
        "Forth_Bridge",
        "Firth Crossing",
        "firth crossing",
        f"{NAME}/Forth_Bridge",
        f"{NAME}/Firth_Crossing",
    ],
)
def test_a_title_is_found_whatever_its_case_and_redirects_are_followed(
    archive: Archive, title: str
) -> None:
    assert archive.find_document(title) == f"{NAME}/Forth_Bridge"


@pytest.mark.parametrize("name", ["Forth Bridge", "Forth_Bridge", "Firth Crossing"])
def test_an_article_is_known_by_its_name_and_by_what_leads_to_it(
    archive: Archive, name: str
) -> None:
    assert archive.named(name) == f"{NAME}/Forth_Bridge"


@pytest.mark.parametrize("name", ["", "Forth", "Forth Bridges", "forth.png", "\0", "\ud800"])
def test_what_is_no_name_is_no_article(archive: Archive, name: str) -> None:
    assert archive.named(name) is None


@pytest.mark.parametrize(
    "title",
    [
        "",
        "Forth",
        "Forth Bridges",
        "Bridge Forth",
        "Forth Bridge picture",
        "forth.png",
        "Forth_Bridge#1",
        f"{NAME}/Nowhere",
        f"{NAME}/forth.png",
        f"{NAME}/",
        "x" * 5000,
        "\0",
        "\ud800",
    ],
)
def test_what_is_no_title_finds_no_document(archive: Archive, title: str) -> None:
    assert archive.find_document(title) is None


def test_all_of_an_article_and_each_passage_of_it(archive: Archive) -> None:
    passages = archive.document(f"{NAME}/Forth_Bridge")
    assert len(passages) > 5
    assert [passage.id for passage in passages] == [
        f"{NAME}/Forth_Bridge#{number}" for number in range(1, len(passages) + 1)
    ]
    assert {passage.title for passage in passages} == {"Forth Bridge"}
    assert [archive.passage(passage.id) for passage in passages] == list(passages)
    assert archive.document(f"{NAME}/Firth_Crossing") == passages
    for passage, _ in archive.search(parse_query("ship"), 10):
        assert archive.passage(passage.id) == passage


@pytest.mark.parametrize(
    "name",
    ["", "#", "#1", NAME, f"{NAME}/", f"{NAME}/Nowhere", f"{NAME}/forth.png", "x/Tay_Bridge"],
)
def test_what_is_no_article_has_no_passages(archive: Archive, name: str) -> None:
    assert archive.document(name) == ()
    assert archive.passage(name) is None
    assert archive.passage(f"{name}#1") is None


@pytest.mark.parametrize("number", ["0", "999", "x", "", "-1"])
def test_a_passage_that_is_not_there(archive: Archive, number: str) -> None:
    assert archive.passage(f"{NAME}/Forth_Bridge#{number}") is None


def test_an_article_in_plain_text(archive: Archive) -> None:
    (passage,) = archive.document(f"{NAME}/notes.txt")
    assert (passage.title, passage.text) == ("Workshop notes", "The rivets ran out.")
    assert titles(archive, "workshop notes")[0] == "Workshop notes"


def test_without_an_index_titles_are_searched(unindexed: Archive) -> None:
    passage, _ = unindexed.search(parse_query("Who built the Forth Bridge?"), 5)[0]
    assert "William Arrol" in passage.text
    assert titles(unindexed, "when did the tay bridge fall in a storm")[0] == "Tay Bridge"
    assert titles(unindexed, "analytical engine") == []
    assert unindexed.find_document("ada lovelace") == "plain.zim/Ada_Lovelace"


def test_an_article_is_read_once(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    before = archive.document(f"{NAME}/Cutty_Sark")
    monkeypatch.setattr("edge_agent.index.archive.split", lambda _: pytest.fail("read again"))
    assert archive.document(f"{NAME}/Cutty_Sark") is before


def test_an_article_that_cannot_be_read_is_left_out(
    zim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Damaged:
        path, title, mimetype, size = "Tay_Bridge", "Tay Bridge", "text/html", 100

        @property
        def content(self) -> memoryview:
            raise RuntimeError("the cluster is damaged")

    archive = Archive(zim, NAME)
    whole = archive._zim._item
    monkeypatch.setattr(
        archive._zim, "_item", lambda path: Damaged() if path == "Tay_Bridge" else whole(path)
    )
    assert archive.document(f"{NAME}/Tay_Bridge") == ()
    assert "Tay Bridge" not in titles(archive, "railway bridge")
    assert "Forth Bridge" in titles(archive, "railway bridge")


def test_a_closed_archive_finds_nothing(zim: Path) -> None:
    archive = Archive(zim, NAME)
    assert titles(archive, "bridge")
    archive.close()
    archive.close()
    assert titles(archive, "bridge") == []
    assert archive.find_document("Forth Bridge") is None
    assert archive.document(f"{NAME}/Forth_Bridge") == ()


def test_what_is_no_archive_is_refused(zim: Path, tmp_path: Path) -> None:
    whole = zim.read_bytes()
    contents = [
        b"",
        b"Only text, renamed.\n" * 50,
        whole[:60],
        whole[: len(whole) // 2],
        whole[:-100],
    ]
    for content in contents:
        path = tmp_path / "bad.zim"
        path.write_bytes(content)
        with pytest.raises(UnreadableDocument, match="not a ZIM archive"):
            Archive(path, "bad.zim")
    for path in (tmp_path, tmp_path / "nowhere.zim"):
        with pytest.raises(UnreadableDocument, match="cannot be opened"):
            Archive(path, "bad.zim")


def test_without_libzim_it_says_what_to_install(zim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libzim.reader", None)
    with pytest.raises(UnreadableDocument, match=r"pip install 'miro-edge\[zim\]'"):
        Archive(zim, NAME)


_WORDS = st.sampled_from(
    ["Forth", "bridge", "AND", "NOT", "title:", '"', "the", "(", "Brunel's", "*"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.text(max_size=80) | st.lists(_WORDS, max_size=12).map(" ".join))
@example(text="bridge " * 3000)
@example(text=" ".join(f"Bridge{number}" for number in range(2000)))
@example(text="橋の歴史 мост Γέφυρα")
def test_any_text_is_a_query(archive: Archive, unindexed: Archive, text: str) -> None:
    for each in (archive, unindexed):
        assert len(each.search(parse_query(text), 5)) <= 5
        each.find_document(text)
        each.named(text)
        each.passage(text)
        each.document(f"{each.name}/{text}")


@pytest.fixture
def library(zim: Path, tmp_path: Path) -> Library:
    folder = tmp_path / "documents"
    (folder / "wiki").mkdir(parents=True)
    shutil.copy(zim, folder / "wiki" / "bridges.zim")
    (folder / "arrol.md").write_text("# William Arrol\n\nWilliam Arrol built bridges in Glasgow.")
    library = Library(tmp_path / "library")
    library.add([folder])
    return library


def test_an_archive_and_texts_are_searched_as_one(library: Library) -> None:
    found = [hit.passage.document for hit in library.search("Who was William Arrol?", 4)]
    assert set(found[:2]) == {"arrol.md", f"{NAME}/Forth_Bridge"}
    assert library.statistics().archives == 1
    assert library.statistics().documents == 1
    assert library.update().unchanged == 2


def test_articles_and_documents_of_a_name_are_known(library: Library) -> None:
    assert library.named("William Arrol") == ("arrol.md",)
    assert library.named("Firth Crossing") == (f"{NAME}/Forth_Bridge",)


def test_an_article_is_read_like_a_document(library: Library) -> None:
    document = library.find_document("firth crossing")
    assert document == f"{NAME}/Forth_Bridge"
    passages = library.document(document)
    assert library.passage(passages[0].id) == passages[0]
    hidden = {passage.id for passage in passages}
    assert not hidden & {hit.passage.id for hit in library.search("Forth", 9, exclude=hidden)}


def test_archives_of_one_name_are_told_apart(zim: Path, tmp_path: Path) -> None:
    for year in ("2023", "2024"):
        (tmp_path / year).mkdir()
        shutil.copy(zim, tmp_path / year / "bridges.zim")
    with closing(Library(tmp_path / "library")) as library:
        library.add([tmp_path / "2023", tmp_path / "2024"])
        found = [hit.passage for hit in library.search("Forth Bridge", 20)]
        assert {Path(passage.source).parent.name for passage in found} == {"2023", "2024"}
        for passage in found:
            assert library.passage(passage.id) == passage
            assert passage in library.document(passage.document)


def test_an_archive_that_is_gone_is_forgotten(library: Library, tmp_path: Path) -> None:
    (tmp_path / "documents" / "wiki" / "bridges.zim").unlink()
    assert Library(library.folder).search("Tay disaster") == ()
    assert library.update().removed == 1
    assert library.search("Tay disaster") == ()


def test_an_archive_that_is_away_is_told(library: Library, tmp_path: Path) -> None:
    library.close()
    shelf, told = Shelf(tmp_path), list[str]()
    (tmp_path / "documents" / "wiki" / "bridges.zim").rename(tmp_path / "unplugged.zim")
    found = shelf.resolve(library.name, warn=told.append)
    assert found.search("Glasgow")
    (sentence,) = told
    assert sentence.endswith("No such file or directory. It is not searched.")


def test_nothing_but_an_archive_that_is_away_is_refused(zim: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copy(zim, tmp_path / "alone.zim"))
    shelf = Shelf(tmp_path / "shelf")
    shelf.add("alone", [alone])
    shelf.resolve(str(alone)).close()
    alone.unlink()
    for asked in ("alone", str(alone)):
        with pytest.raises(EmptyLibrary, match=r"alone\.zim cannot be opened"):
            shelf.resolve(asked, warn=print)


def test_an_archive_alone_is_a_library(zim: Path, tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    library.add([zim])
    assert library.search("Tay disaster")[0].passage.document == "bridges.zim/Tay_Bridge"
    with pytest.raises(UnknownPassage):
        library.passage("bridges.zim/Nowhere#1")


def test_a_bad_archive_is_a_problem(library: Library, tmp_path: Path) -> None:
    (tmp_path / "documents" / "bad.zim").write_bytes(b"ZIM no more")
    (problem,) = library.update().problems
    assert "is not a ZIM archive" in problem.reason
