"""Tools: what the model reads, and what it does not have to read twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError
from scripted_session import write_documents

from edge_agent.events import Quote
from edge_agent.evidence import Evidence
from edge_agent.index import Collection, Library
from edge_agent.protocol import ToolCall, repaired
from edge_agent.tools import TOOLS, ToolContext, ToolError, ToolResult
from edge_agent.tools.base import EarlierCall, as_evidence, told

DIARY = "Diary: 100% & more.md"
DAYS = {
    "Departure": "The Polaris left Tromsø at noon. Forty dogs were on board.",
    "Ice": "She was beset on the third day. The rudder was lifted out of the water.",
    "Winter": "The captain was Otto Lund. He fell ill in the dark months.",
    "Thaw": "The dogs were fed on seal meat. The cook was buried ashore.",
    "Return": "Hammerfest was reached in August. All the others were well.",
}


@pytest.fixture
def own_ships(tmp_path: Path) -> Iterator[Collection]:
    """A library whose documents may change."""
    with closing(Library(tmp_path / "ships")) as library:
        library.add([write_documents(tmp_path / "ships-documents")])
        yield Collection([library])


def context(
    library: Collection,
    evidence: Evidence,
    visible: tuple[Quote, ...] = (),
    results: int = 3,
    tokens: int = 100,
    named: int = 0,
) -> ToolContext:
    return ToolContext(
        library=library,
        evidence=evidence,
        question="Where was the designer of the Fram born?",
        count=lambda text: len(text.split()),
        results=results,
        named=named,
        tokens=tokens,
        visible=frozenset(visible),
    )


@pytest.fixture
def diary(tmp_path: Path) -> Collection:
    """A document of five passages whose name needs escapes, and another one."""
    folder = tmp_path / "diaries"
    folder.mkdir()
    days = "".join(f"\n\n## {heading}\n\n{text}" for heading, text in DAYS.items())
    (folder / DIARY).write_text(f"# Voyage of the Polaris{days}\n")
    (folder / "log.md").write_text("# Log\n\nThe log says nothing of dogs.\n")
    library = Library(tmp_path / "polar ships")
    library.add([folder])
    return Collection([library])


def run(tool: str, where: ToolContext, **arguments: Any) -> ToolResult:
    return TOOLS[tool].run(arguments, where)


@pytest.mark.parametrize("tool", ["read", "scrape_and_extract_info"])
def test_an_address_is_looked_for_only_where_somebody_named_it(
    tool: str, ships: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(ships, "find_document", asked.append)
    monkeypatch.setattr(ships, "document", lambda _, address: asked.append(address))
    where = replace(context(ships, Evidence()), said=("It is on https://named.example/fram.",))
    found = run("search", where, query="Fram").shown[0]
    exhibit = where.evidence.get(found.key)
    assert exhibit is not None
    page = replace(exhibit.passage, id="p#1", document="https://found.example/?q=1", text="More.")
    where.evidence.add("the web", page)
    where.evidence.add("the web", replace(page, id="p#2", text="See https://linked.example/a for"))
    for origin in ("a computation", "echo (MCP)"):
        where.evidence.add(origin, replace(page, text="u = 'https://made.example/?q=read'"))
    named = "source" if tool == "read" else "url"
    more = {} if tool == "read" else {"info_to_extract": "Fram"}
    for address in (
        "https://named.example/fram",
        "https://found.example/?q=1",
        "https://linked.example/a",
        "https://found.example/?q=what+was+read",
        "https://made.example/?q=read",
        "HTTPS://elsewhere.example",
        " https://elsewhere.example",
        "doc://the%20web/https%3A%2F%2Felsewhere.example%2F%3Fq%3Dread",
        "doc://x/%20https%3A%2F%2Felsewhere.example",
    ):
        with suppress(ToolError):
            run(tool, where, **{named: address}, **more)
    assert [each for each in asked if each.startswith("http")] == [
        "https://named.example/fram",
        "https://found.example/?q=1",
        "https://linked.example/a",
    ]


def test_copies_make_room_for_others(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    for number in range(6):
        name = f"report ({number}).txt" if number else "report.txt"
        (folder / name).write_text("The harbour was dredged by the engineer Otto Lund.")
    (folder / "lund.txt").write_text("Otto Lund, an engineer, lived in Larvik.")
    with closing(Library(tmp_path / "one")) as one, closing(Library(tmp_path / "two")) as two:
        one.add([folder])
        two.add([folder])
        where = context(Collection([one, two]), Evidence(), results=5)
        first = run("search", where, query="harbour engineer Otto Lund")
        assert first.keys == (1, 2)
        assert len({exhibit.passage.text for exhibit in where.evidence.since(0)}) == 2
        again = replace(where, visible=frozenset(first.shown))
        assert run("search", again, query="harbour engineer Otto Lund").text == "See above: [1] [2]"
        for number in range(9):
            (folder / f"dock {number}.txt").write_text(f"Dock {number} of the harbour is deep.")
        one.update()
        two.update()
        more = run("search", again, query="harbour engineer Otto Lund")
        assert len(more.keys) == 2 + 5
        assert len({each.passage.text for each in where.evidence.since(0)}) == 2 + 5


def test_headings_tell_one_part_of_a_manual_from_another(tmp_path: Path) -> None:
    (tmp_path / "pump.md").write_text(
        "# Pump manual\n\n## Model A\n\nThe oil is changed every 500 hours.\n\n"
        "## Model B\n\nThe oil is changed every 900 hours.\n"
    )
    with closing(Library(tmp_path / "manuals")) as library:
        library.add([tmp_path / "pump.md"])
        where = context(Collection([library]), Evidence())
        shown = run("search", where, query="oil of Model B").text
    assert "Pump manual › Model B: The oil is changed every 900 hours." in shown
    assert "Pump manual › Model A: The oil is changed every 500 hours." in shown


def test_a_search_shows_numbered_passages(ships: Collection) -> None:
    found = run("search", context(ships, Evidence()), query="Colin Archer")
    assert found.text.startswith("[1] Colin Archer: ")
    assert Quote(1, "Colin Archer was born in Larvik.") in found.shown


def test_what_stands_in_the_window_is_named_and_makes_room(ships: Collection) -> None:
    evidence = Evidence()
    first = run("search", context(ships, evidence, results=1), query="Colin Archer")
    again = run("search", context(ships, evidence, first.shown, results=1), query="Colin Archer")
    assert "See above: [1]" in again.text
    assert "Larvik" not in again.text
    assert again.keys == (1, 2)  # another one took its place
    assert set(first.shown) < set(again.shown)  # and what is above may still be quoted


def test_of_a_passage_seen_in_part_only_the_rest_is_shown(ships: Collection) -> None:
    evidence = Evidence()
    seen = Quote(1, "Colin Archer was born in Larvik.")
    run("search", context(ships, evidence, results=1), query="Colin Archer")
    again = run("search", context(ships, evidence, (seen,), results=1), query="Colin Archer")
    assert "Larvik" not in again.text
    assert "His parents were Scots." in again.text
    assert seen in again.shown


def test_when_all_is_seen_nothing_is_spent(ships: Collection) -> None:
    evidence = Evidence()
    first = run(
        "search", context(ships, evidence, results=9), query="Archer Fram Gjøa Larvik ropes"
    )
    again = run("search", context(ships, evidence, first.shown), query="Archer Fram Gjøa")
    assert again.text == "See above: [" + "] [".join(str(key) for key in again.keys) + "]"


CAST = {
    "ferry.md": "# Night Ferry (film)\n\nNight Ferry is a film by Ana Ruiz, shot in Toledo.",
    "ana.md": "# Ana Ruiz\n\nShe went to sea.\n\n## Life\n\nAna Ruiz was born in Lugo.",
    "toledo.md": "# Toledo\n\nA town on the river Tagus.",
    "lugo.md": "# Lugo\n\nA town with walls.",
}


@pytest.fixture
def cast(tmp_path: Path) -> Iterator[Collection]:
    """A film, who made it, and two towns."""
    (tmp_path / "texts").mkdir()
    for name, text in CAST.items():
        (tmp_path / "texts" / name).write_text(text)
    with closing(Library(tmp_path / "cast")) as library:
        library.add([tmp_path / "texts"])
        yield Collection([library])


def shown_titles(where: ToolContext) -> list[str]:
    return [exhibit.passage.title for exhibit in where.evidence.since(0)]


def test_documents_that_passages_name_are_shown_with_them(cast: Collection) -> None:
    question = "When was the director of the film shot by the river born?"
    where = replace(context(cast, Evidence(), results=1, named=1), question=question)
    found = run("search", where, query="Night Ferry")
    assert shown_titles(where) == ["Night Ferry (film)", "Toledo"]  # it has the question's words
    assert Quote(2, "A town on the river Tagus.") in found.shown

    where = replace(context(cast, Evidence(), results=1, named=9), question=question)
    run("search", where, query="Night Ferry")
    assert set(shown_titles(where)) == {"Night Ferry (film)", "Toledo", "Ana Ruiz"}


def test_of_a_named_document_the_passage_that_answers_is_shown(cast: Collection) -> None:
    where = replace(context(cast, Evidence(), results=1, named=9), question="Who was born where?")
    found = run("search", where, query="Night Ferry")
    assert "Ana Ruiz was born in Lugo." in found.text
    assert "She went to sea." not in found.text


def test_documents_that_the_question_names_are_shown_too(cast: Collection) -> None:
    asked = "Did anybody in Night Ferry see Lugo?"
    where = replace(context(cast, Evidence(), results=1, named=9), question=asked)
    run("search", where, query="town walls Tagus")
    assert set(shown_titles(where)) == {"Night Ferry (film)", "Lugo"}


def test_of_a_named_document_as_much_is_shown_as_of_the_best(tmp_path: Path) -> None:
    texts = {f"Quay {each}": f"This quay, {each}, is long." for each in "abcde"}
    for title, text in {**texts, "Pier of Rye": "This is a long quay."}.items():
        (tmp_path / f"{title}.md").write_text(f"# {title}\n\n{text}")
    with closing(Library(tmp_path / "library")) as library:
        library.add([*tmp_path.glob("*.md")])
        where = context(Collection([library]), Evidence(), results=5, named=1, tokens=30)
        where = replace(where, question="How long is Pier of Rye?")
        assert run("search", where, query="quay").keys == (1, 6)  # there is room for two


def test_later_searches_take_names_from_their_best_passage(cast: Collection) -> None:
    first = replace(context(cast, Evidence(), results=2, named=9), question="Who saw walls?")
    later = replace(first, evidence=Evidence(), earlier=(EarlierCall({"query": "walls"}, 0),))
    for where in (first, later):
        run("search", where, query="Lugo town walls film")
    assert shown_titles(later) == ["Lugo", "Night Ferry (film)"]
    assert set(shown_titles(first)) == {*shown_titles(later), "Ana Ruiz", "Toledo"}


def test_documents_that_the_query_names_are_shown_too(cast: Collection) -> None:
    where = replace(context(cast, Evidence(), results=1, named=9), question="Who?")
    run("search", where, query="Night Ferry film shot, not in Lugo")
    assert shown_titles(where)[0] == "Night Ferry (film)"
    assert "Lugo" in shown_titles(where)


@pytest.mark.parametrize(("asked", "shown"), [("Who plays?", False), ("Which band plays?", True)])
def test_of_namesakes_only_what_may_be_meant_is_shown(
    tmp_path: Path, asked: str, shown: bool
) -> None:
    band, song = "# Lugo (band)\n\nFour of them.", "# Night\n\nA night in Lugo."
    for name, text in {"band.md": band, "song.md": song}.items():
        (tmp_path / name).write_text(text)
    with closing(Library(tmp_path / "library")) as library:
        library.add([tmp_path / "band.md", tmp_path / "song.md"])
        where = context(Collection([library]), Evidence(), results=1, named=1)
        run("search", replace(where, question=asked), query="Night")
    assert ("Lugo (band)" in shown_titles(where)) is shown


def test_a_named_document_is_shown_once(cast: Collection) -> None:
    where = replace(context(cast, Evidence(), results=1, named=1), question="A film?")
    for _ in range(4):
        run("search", where, query="Night Ferry")
    titles = shown_titles(where)
    assert len(titles) == len(set(titles)) > 2


def test_nothing_matches(ships: Collection) -> None:
    found = run("search", context(ships, Evidence()), query="zeppelin")
    assert found == ToolResult("Nothing in the library matches: zeppelin")


# read


def test_a_passage_is_read_whole(ships: Collection) -> None:
    evidence = Evidence()
    run("search", context(ships, evidence, results=1), query="Gjøa")
    assert "She has eight ropes." in run("read", context(ships, evidence), source=1).text


@pytest.mark.parametrize("source", [1, "1", "[1]", " [1] ", "[1] Voyage of the Polaris"])
def test_a_passage_is_read_with_what_follows_it(diary: Collection, source: int | str) -> None:
    evidence = Evidence()
    run("search", context(diary, evidence, results=1), query="Otto Lund")
    found = run("read", context(diary, evidence), source=source)
    assert found.text.splitlines() == [
        "[1] Voyage of the Polaris: " + DAYS["Winter"],
        "[2] Voyage of the Polaris: " + DAYS["Thaw"],
        "[3] Voyage of the Polaris: " + DAYS["Return"],
    ]
    assert Quote(2, "The cook was buried ashore.") in found.shown


def test_only_what_fits_follows_a_passage(diary: Collection) -> None:
    evidence = Evidence()
    run("search", context(diary, evidence, results=1), query="Otto Lund")
    assert run("read", context(diary, evidence, tokens=30), source=1).keys == (1, 2)
    assert run("read", context(diary, evidence, tokens=1), source=1).keys == (1,)


@pytest.mark.parametrize("source", ["voyage of the polaris", " Voyage of the Polaris", DIARY])
def test_a_document_is_read_from_its_beginning(diary: Collection, source: str) -> None:
    found = run("read", context(diary, Evidence(), tokens=40), source=source)
    assert found.text.startswith("[1] Voyage of the Polaris: The Polaris left Tromsø")
    assert found.keys == (1, 2, 3)


@pytest.mark.parametrize("source", [1, "Voyage of the Polaris"])
def test_of_a_document_the_part_about_something_is_read(
    diary: Collection, source: int | str
) -> None:
    evidence = Evidence()
    run("search", context(diary, evidence, results=1), query="rudder")
    about = "Where was the cook buried?"
    found = run("read", context(diary, evidence, results=1), source=source, about=about)
    assert found.text == "[2] Voyage of the Polaris: " + DAYS["Thaw"]


def test_evidence_outlives_its_document(own_ships: Collection, tmp_path: Path) -> None:
    evidence = Evidence()
    run("search", context(own_ships, evidence, results=1), query="Colin Archer")
    (tmp_path / "ships-documents" / "archer.md").unlink()
    own_ships.libraries[0].update()
    for about in ("", "parents"):
        found = run("read", context(own_ships, evidence), source=1, about=about)
        assert found.text == "[1] Colin Archer: " + (
            "Colin Archer was born in Larvik. His parents were Scots."
        )
    with pytest.raises(ToolError, match="no document 'Colin Archer'"):
        run("read", context(own_ships, evidence), source="Colin Archer")


def test_evidence_stays_as_it_was_shown_and_what_has_changed_is_other_evidence(
    own_ships: Collection, tmp_path: Path
) -> None:
    evidence = Evidence()
    shown = run("search", context(own_ships, evidence, results=1), query="Colin Archer").shown
    (tmp_path / "ships-documents" / "archer.md").write_text(
        "# Colin Archer\n\nHe was born in Oslo."
    )
    own_ships.libraries[0].update()
    assert "Larvik" in run("read", context(own_ships, evidence), source=1).text
    where = replace(context(own_ships, evidence, results=1), visible=frozenset(shown))
    found = run("search", where, query="Colin Archer")
    assert found.text == "[2] Colin Archer: He was born in Oslo."
    first = evidence.get(1)
    assert first is not None
    assert "Larvik" in first.passage.text


def test_what_is_not_here_is_said(ships: Collection) -> None:
    with pytest.raises(ToolError, match=r"No search has found a passage \[7\]"):
        run("read", context(ships, Evidence()), source=7)
    with pytest.raises(ToolError, match="There is no document 'The Mill'"):
        run("read", context(ships, Evidence()), source="The Mill")


def test_a_number_that_is_no_key_may_be_a_title(tmp_path: Path) -> None:
    (tmp_path / "book.md").write_text("# 1984\n\nIt was a bright cold day in April.")
    library = Library(tmp_path / "books")
    library.add([tmp_path / "book.md"])
    found = run("read", context(Collection([library]), Evidence()), source=1984)
    assert found.text == "[1] 1984: It was a bright cold day in April."


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (ToolCall("library", "read", {"passage": 3}), {"source": 3}),
        (ToolCall("library", "read", {"document": "Fram"}), {"source": "Fram"}),
        (ToolCall("library", "google_search", {"q": "Fram"}), {"query": "Fram"}),
    ],
)
def test_slips_of_calls_to_the_library_are_known(written: ToolCall, meant: object) -> None:
    tools = (TOOLS["search"].signature, TOOLS["read"].signature)
    assert repaired(written, tools).arguments == meant


# Documents


class MeaningOfDeath:
    """Holds that texts about a grave mean the same."""

    name = "death"
    dimensions = 2

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        alike = [any(word in text for word in ("grave", "buried")) for text in texts]
        return np.array([[each, not each] for each in alike], np.float32)


def test_passages_of_a_document_are_ranked_by_the_words_they_have(diary: Collection) -> None:
    library = diary.libraries[0].name
    best = diary.passages_about(library, DIARY, "dogs fed on seal", 2)
    assert [passage.text for passage in best] == [DAYS["Thaw"], DAYS["Departure"]]
    assert len(diary.passages_about(library, DIARY, "nothing of it", 9)) == len(DAYS)
    assert diary.passages_about(library, "gone", "dogs", 9) == ()


def test_passages_of_a_document_are_ranked_by_what_they_mean(diary: Collection) -> None:
    library = Library(diary.libraries[0].folder, MeaningOfDeath())
    best = Collection([library]).passages_about(library.name, DIARY, "his grave", 1)
    assert [passage.text for passage in best] == [DAYS["Thaw"]]


# google_search


def organic(result: ToolResult) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.text)["organic"]
    return found


def test_a_web_search_has_one_result_a_document_with_no_keys_in_it(diary: Collection) -> None:
    found = run("google_search", context(diary, Evidence()), q="dogs")
    results = {each["title"]: each for each in organic(found)}
    assert set(results) == {"Log", "Voyage of the Polaris"}
    voyage = results["Voyage of the Polaris"]
    assert "Forty dogs were on board." in voyage["snippet"]
    assert " … " in voyage["snippet"]
    assert "[1]" not in found.text
    assert {quote.sentence for quote in found.shown} >= {
        "Forty dogs were on board.",
        "The dogs were fed on seal meat.",
        "The log says nothing of dogs.",
    }


def test_links_lead_back_to_their_documents(diary: Collection) -> None:
    found = run("google_search", context(diary, Evidence()), q="Otto Lund", num=1)
    (link,) = [each["link"] for each in organic(found)]
    assert link == "doc://polar%20ships/Diary%3A%20100%25%20%26%20more.md"
    read = run(
        "scrape_and_extract_info",
        context(diary, Evidence()),
        url=link,
        info_to_extract="Who was the captain?",
    )
    assert "Otto Lund" in json.loads(read.text)["extracted_info"]


def test_pages_of_results_go_on_where_the_last_one_ended(ships: Collection) -> None:
    evidence, query = Evidence(), "Colin Archer Fram Gjøa"
    pages = [
        organic(run("google_search", context(ships, evidence), q=query, num=1, page=page))
        for page in (1, 2, 3, 4)
    ]
    titles = [each["title"] for page in pages for each in page]
    assert sorted(titles) == ["Colin Archer", "Fram", "Gjøa"]
    assert pages[3] == []


def test_a_search_shows_no_more_results_than_there_is_room_for(ships: Collection) -> None:
    query = "Colin Archer Fram Gjøa"
    shown = {
        tokens: len(
            organic(run("google_search", context(ships, Evidence(), tokens=tokens), q=query))
        )
        for tokens in (1, 90, 200)
    }
    assert shown == {1: 1, 90: 2, 200: 3}
    few = context(ships, Evidence(), results=2, tokens=200)
    assert len(organic(run("google_search", few, q=query, num=50))) == 2


def test_a_result_stays_within_its_tokens(diary: Collection) -> None:
    for tokens in (60, 80, 120):
        where = context(diary, Evidence(), tokens=tokens)
        assert where.count(run("google_search", where, q="dogs").text) <= tokens
        about = {"url": DIARY, "info_to_extract": "dogs"}
        assert where.count(run("scrape_and_extract_info", where, **about).text) <= tokens


def test_arguments_without_effect_may_be_anything(ships: Collection) -> None:
    arguments = {"gl": None, "hl": "no", "location": "Larvik", "tbs": "qdr:y", "autocorrect": 1}
    plain = run("google_search", context(ships, Evidence()), q="Fram")
    assert run("google_search", context(ships, Evidence()), q="Fram", **arguments) == plain


@pytest.mark.parametrize("wrong", [{}, {"q": ""}, {"q": "x", "num": 0}, {"q": "x", "page": -1}])
def test_arguments_that_cannot_be_meant_are_refused(
    ships: Collection, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        run("google_search", context(ships, Evidence()), **wrong)


def test_nothing_found_is_an_empty_list(ships: Collection) -> None:
    assert organic(run("google_search", context(ships, Evidence()), q="zeppelin")) == []


# scrape_and_extract_info


@pytest.mark.parametrize(
    "url",
    [
        "doc://ships/archer.md",
        " DOC://ships/archer.md\n",
        "doc://another/archer.md",
        "archer.md",
        "colin archer",
    ],
)
def test_a_document_is_found_by_its_link_its_id_or_its_title(ships: Collection, url: str) -> None:
    evidence = Evidence()
    result = run("scrape_and_extract_info", context(ships, evidence), url=url, info_to_extract="?")
    assert json.loads(result.text) == {
        "success": True,
        "url": url,
        "extracted_info": "Colin Archer was born in Larvik. His parents were Scots.",
        "error": "",
        "scrape_stats": {
            "line_count": 3,
            "char_count": 72,
            "last_char_line": 3,
            "all_content_displayed": True,
        },
        "model_used": "extractive",
        "tokens_used": 0,
    }
    assert result.shown[0] == Quote(1, "Colin Archer was born in Larvik.")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://example.org", "There is no network here"),
        ("HTTP://example.org", "There is no network here"),
        ("doc://ships/nansen.md", "There is no such document"),
        ("doc://ships", "There is no such document"),
        ("Nansen", "There is no such document"),
    ],
)
def test_what_cannot_be_read_says_why(ships: Collection, url: str, error: str) -> None:
    result = run(
        "scrape_and_extract_info", context(ships, Evidence()), url=url, info_to_extract="?"
    )
    assert result.shown == ()
    said = json.loads(result.text)
    assert (said["success"], said["url"], said["extracted_info"]) == (False, url, "")
    assert error in said["error"]


def test_what_is_taken_out_of_a_document_stands_there_in_this_order(diary: Collection) -> None:
    result = run(
        "scrape_and_extract_info",
        context(diary, Evidence(), tokens=60),
        url=DIARY,
        info_to_extract="the cook, and the dogs",
    )
    taken = json.loads(result.text)["extracted_info"]
    assert taken.index("Forty dogs were on board.") < taken.index("The cook was buried ashore.")
    assert "rudder" not in taken
    assert all(quote.sentence in taken for quote in result.shown)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (ToolCall("web", "google_search", {"query": "x", "num": 3}), {"q": "x", "num": 3}),
        (ToolCall("search_and_scrape_webpage", "search", {"q": "x"}), {"q": "x"}),
        (ToolCall("", "jina_scrape_llm_summary", {"link": "x"}), {"url": "x"}),
        (ToolCall("", "scrape_website", {"url": "x"}), {"url": "x"}),
        (
            ToolCall("", "scrape_and_extract_info", {"url": "x", "introduction": "y"}),
            {"url": "x", "info_to_extract": "y"},
        ),
        (
            ToolCall("", "scrape_and_extract_info", {"url": "x", "description": "y"}),
            {"url": "x", "info_to_extract": "y"},
        ),
    ],
)
def test_slips_of_calls_to_the_web_are_known(written: ToolCall, meant: object) -> None:
    tools = (TOOLS["google_search"].signature, TOOLS["scrape_and_extract_info"].signature)
    call = repaired(written, tools)
    assert call.arguments == meant
    assert (call.server, call.tool) in {(tool.server, tool.name) for tool in tools}


# What other tools tell

FORECAST = "It will snow in Larvik. The wind comes from the north."


def test_what_a_tool_tells_is_evidence_under_keys_of_its_own(ships: Collection) -> None:
    evidence = Evidence()
    where = context(ships, evidence)
    run("search", where, query="Colin Archer")
    known = len(evidence)
    first = as_evidence("weather (MCP)", told("Larvik", "weather", FORECAST), "snow", where)
    assert first.keys == (known + 1,)
    assert first.text == f"[{known + 1}] Larvik: {FORECAST}"
    assert Quote(known + 1, "It will snow in Larvik.") in first.shown
    exhibit = evidence.get(known + 1)
    assert exhibit is not None
    assert (exhibit.library, exhibit.passage.source) == ("weather (MCP)", "weather")
    again = as_evidence("weather (MCP)", told("Larvik", "weather", FORECAST), "wind", where)
    assert again.keys == first.keys
    assert run("read", where, source=known + 1, about="wind").keys == first.keys


def test_of_a_long_text_a_tool_shows_what_matters(ships: Collection) -> None:
    text = "\n\n".join(f"Day {day}. {'The sea was calm. ' * 40}" for day in range(20))
    passages = told("Log", "ship", f"{text}\n\nA walrus came aboard.")
    evidence = Evidence()
    where = context(ships, evidence, results=2, tokens=60)
    shown = as_evidence("a log book", passages, "walrus", where)
    assert "A walrus came aboard." in shown.text
    assert len(evidence) == 2 < len(passages)


def test_what_is_no_character_does_not_break_what_a_tool_tells() -> None:
    (passage,) = told("\ud800", "x", "one \udfff two")
    assert (passage.title, passage.text) == ("?", "one ? two")
    assert told("Nothing", "x", " ") == ()
