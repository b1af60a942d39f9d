"""Readers of records: JSON lines, JSON and CSV, a record a document."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from reading import read

from edge_agent.index import Document, RecordFields, UnreadableDocument
from edge_agent.index.documents import Flaw
from edge_agent.index.passages import split


def found(
    path: Path, content: str | bytes, fields: RecordFields | None = None
) -> tuple[list[Document], list[str]]:
    """The documents in a file with that content, and the flaws that it is said to have."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    everything = list(read(path, path.name, fields or RecordFields()))
    documents = [each for each in everything if isinstance(each, Document)]
    for document in documents:
        (section,) = document.sections
        assert document.text[section.start : section.end] == document.text
        assert document.source == str(path)
    return documents, [each.reason for each in everything if isinstance(each, Flaw)]


def lines(*records: object) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


# JSON lines


def test_json_lines_are_a_record_a_document(tmp_path: Path) -> None:
    content = lines({"id": "a-1", "title": "A", "text": "One."}, {"sentences": ["Two.", "Three."]})
    (first, second), flaws = found(tmp_path / "corpus.jsonl", content)
    assert (first.id, first.title, first.text) == ("a-1", "A", "One.")
    assert (second.id, second.text) == ("corpus.jsonl:2", "Two. Three.")
    assert not flaws


def test_what_is_null_in_a_record_is_not_there(tmp_path: Path) -> None:
    content = '{"id": null, "title": null, "text": null, "sentences": ["Two."]}'
    (document,), _ = found(tmp_path / "corpus.jsonl", content)
    assert (document.id, document.title, document.text) == ("corpus.jsonl:1", "corpus 1", "Two.")


def test_a_record_without_text_is_its_fields(tmp_path: Path) -> None:
    record = {"id": 7, "name": "Bell Rock", "height": 35.5, "lit": True, "by": {"who": ["a", "b"]}}
    (document,), _ = found(tmp_path / "lights.jsonl", lines(record))
    assert (document.id, document.title) == ("7", "Bell Rock")
    assert document.text == (
        "id: 7\nname: Bell Rock\nheight: 35.5\nlit: true\nby.who: a\nby.who: b"
    )


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_record_is_cited_by_its_line_in_the_file(tmp_path: Path, name: str) -> None:
    rows = {"a.jsonl": lines({"text": "One."}, {"text": "Two.\n\nThree."}),
            "a.csv": 'id,text\n1,"One."\n2,"Two.\n\nThree."\n'}  # fmt: skip
    documents, _ = found(tmp_path / name, rows[name])
    first = 1 if name == "a.jsonl" else 2
    places = [[passage.place for passage in split(document)] for document in documents]
    assert places == [[f"line {first}"], [f"line {first + 1}"]]


def test_chosen_fields_make_the_document(tmp_path: Path) -> None:
    fields = RecordFields(id="meta.key", title="headline", text=("lead", "body"))
    record = {"meta": {"key": "k"}, "headline": "News", "lead": "Short.", "body": ["Long.", "Er."]}
    (document, bare), flaws = found(
        tmp_path / "news.jsonl", lines(record, {"lead": "Only.", "text": "Not this."}), fields
    )
    assert (document.id, document.title, document.text) == ("k", "News", "Short.\n\nLong. Er.")
    assert (bare.id, bare.title, bare.text) == ("news.jsonl:2", "news 2", "Only.")
    assert not flaws


def test_a_field_that_no_record_has_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    content = lines({"headline": "A", "body": "B"})
    with pytest.raises(UnreadableDocument, match=r"no record with `lead`; .* are headline, body"):
        found(tmp_path / "a.jsonl", content, RecordFields(text=("lead",)))
    documents, flaws = found(tmp_path / "a.jsonl", content, RecordFields(text=("lead", "body")))
    assert documents[0].text == "B"
    assert flaws == ["has no record with `lead`; its fields are headline, body"]


def test_a_bad_line_costs_only_itself(tmp_path: Path) -> None:
    documents, flaws = found(tmp_path / "a.jsonl", '{"text": "ok"}\n{"text": \n{"text": "yes"}')
    assert [(each.id, each.text) for each in documents] == [
        ("a.jsonl:1", "ok"),
        ("a.jsonl:3", "yes"),
    ]
    (flaw,) = flaws
    assert flaw.startswith("line 2 is not JSON: Expecting value")


def test_many_bad_lines_are_one_flaw_of_each_kind(tmp_path: Path) -> None:
    content = '{"text": "ok"}\n' + "no\n" * 3 + "[]\n" * 20
    _, flaws = found(tmp_path / "a.jsonl", content)
    assert flaws == [
        "lines 2, 3 and 4 are not JSON",
        "lines 5, 6 and 18 others are no records",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[1]", "line 1 is no record: it is a list"),
        ('{"text": null}', "line 1 is no record"),
        ('{"text": 5}', "line 1 has a `text` that is no string"),
        ('{"sentences": "One."}', "line 1 has `sentences` that are no list"),
        ("[" * 100_000, "line 1 is not JSON"),
        ("1" * 5_000, "line 1"),
    ],
)
def test_lines_that_are_no_records_have_a_reason(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason):
        found(tmp_path / "a.jsonl", content)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_json_lines_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    content = '{"text": "Fähre nach Öland."}\n{"text": "Die Brücke ist für alle."}\n'
    documents, flaws = found(tmp_path / "a.ndjson", content.encode(encoding))
    assert [each.text for each in documents] == ["Fähre nach Öland.", "Die Brücke ist für alle."]
    assert flaws == ["its encoding was guessed: cp1252"] * (encoding == "cp1252")


@pytest.mark.parametrize(("suffix", "row"), [(".jsonl", '{"text": "%s"}\n'), (".csv", "%s\n")])
def test_records_come_one_by_one(tmp_path: Path, suffix: str, row: str) -> None:
    path = tmp_path / f"many{suffix}"
    path.write_text("".join(row % (f"{number} " * 100) for number in range(10_000)))
    tracemalloc.start()
    assert sum(1 for _ in read(path, "many")) > 9_990
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 4_000_000
    assert peak < 2_000_000


# JSON


def test_a_list_of_objects_is_a_record_a_document(tmp_path: Path) -> None:
    content = [{"id": "a", "text": "One."}, 5, {"name": "Tay", "km": 188}]
    documents, flaws = found(tmp_path / "a.json", json.dumps(content))
    assert [(each.id, each.title) for each in documents] == [("a", "a 1"), ("a.json:3", "Tay")]
    assert flaws == ["record 2 is no record: it is a number"]


def test_the_one_list_in_an_object_is_its_records(tmp_path: Path) -> None:
    content = {"count": 2, "version": "1.1", "data": [{"text": "One."}, {"text": "Two."}]}
    documents, _ = found(tmp_path / "a.json", json.dumps(content))
    assert [each.text for each in documents] == ["One.", "Two."]


def test_what_stands_beside_the_list_in_an_object_is_read_too(tmp_path: Path) -> None:
    content = {
        "title": "Attention",
        "abstract": "A long abstract about dropout.",
        "year": 2017,
        "authors": [{"name": "Ida"}, {"name": "Tom"}],
    }
    (beside, *authors), _ = found(tmp_path / "paper.json", json.dumps(content))
    assert (beside.id, beside.title) == ("paper.json", "paper")
    assert beside.text == ("title: Attention\nabstract: A long abstract about dropout.\nyear: 2017")
    assert [each.text for each in authors] == ["name: Ida", "name: Tom"]
    chosen = RecordFields(text=("name",))  # says what is to be read, and this is all
    documents, _ = found(tmp_path / "paper.json", json.dumps(content), chosen)
    assert [each.text for each in documents] == ["Ida", "Tom"]


def test_json_is_cited_by_no_line(tmp_path: Path) -> None:
    for content in ([{"text": "One."}, {"text": "Two."}], {"name": "fram", "note": {"a": "b"}}):
        documents, _ = found(tmp_path / "a.json", json.dumps(content, indent=1))
        assert {passage.place for each in documents for passage in split(each)} == {""}


def test_other_json_is_one_document_of_its_values(tmp_path: Path) -> None:
    content = {"name": "fram", "hull": {"length": 39, "round": True, "lost": None}, "crew": ["A"]}
    (document,), _ = found(tmp_path / "ship.json", json.dumps(content))
    assert (document.id, document.title) == ("ship.json", "ship")
    assert document.text == "name: fram\nhull.length: 39\nhull.round: true\ncrew: A"


def test_json_lines_with_the_suffix_of_json_are_read(tmp_path: Path) -> None:
    documents, _ = found(tmp_path / "a.json", lines({"text": "One."}, {"text": "Two."}))
    assert [each.text for each in documents] == ["One.", "Two."]


def test_broken_json_has_a_reason(tmp_path: Path) -> None:
    for content in ('{"a": [1, ', "[" * 100_000, "{'a': 1}"):
        with pytest.raises(UnreadableDocument, match="is not JSON"):
            found(tmp_path / "a.json", content)


# CSV


def test_rows_are_documents_of_their_columns(tmp_path: Path) -> None:
    content = 'Name,Built,Note\nBell Rock,1810,"tall, ""white""\nand old"\n\nEddystone,1882,\n'
    (first, second), flaws = found(tmp_path / "lights.csv", content)
    assert (first.id, first.title) == ("lights.csv:2", "Bell Rock")
    assert first.text == 'Name: Bell Rock\nBuilt: 1810\nNote: tall, "white"\nand old'
    assert (second.id, second.text) == ("lights.csv:5", "Name: Eddystone\nBuilt: 1882")
    assert not flaws


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_known_columns_make_the_document_whatever_divides_them(
    tmp_path: Path, delimiter: str
) -> None:
    rows = [["ID", "Title", "Text"], ["x1", "Fram", "A ship."], ["x2", "Tay", "A river."]]
    content = "\n".join(delimiter.join(row) for row in rows)
    (first, second), _ = found(tmp_path / "a.csv", content)
    assert (first.id, first.title, first.text) == ("x1", "Fram", "A ship.")
    assert (second.id, second.title, second.text) == ("x2", "Tay", "A river.")


def test_columns_can_be_chosen(tmp_path: Path) -> None:
    content = "key\tname\tstory\nk1\tFram\tA ship.\n"
    fields = RecordFields(id="key", title="name", text=("story",))
    (document,), _ = found(tmp_path / "a.tsv", content, fields)
    assert (document.id, document.title, document.text) == ("k1", "Fram", "A ship.")


def test_between_tabs_a_quotation_mark_may_belong_to_the_text(tmp_path: Path) -> None:
    content = 'id\ttext\n1\t"Fram" is a ship.\n2\t"So it is\n3\tA river.\n'
    documents, flaws = found(tmp_path / "a.tsv", content)
    assert [each.text for each in documents] == ['"Fram" is a ship.', '"So it is', "A river."]
    assert not flaws


def test_between_tabs_a_stray_mark_does_not_undo_the_others(tmp_path: Path) -> None:
    content = '"id"\t"title"\t"text"\n"1"\t"A"\t"One\ntwo."\n"2"\t"B"\t"He said "no" twice"\n'
    (first, second), _ = found(tmp_path / "a.tsv", content)
    assert (first.id, first.title, first.text) == ("1", "A", "One\ntwo.")
    assert (second.id, second.title) == ("2", "B")


def test_between_tabs_a_cell_may_be_quoted(tmp_path: Path) -> None:
    (first, second), _ = found(tmp_path / "a.tsv", 'id\ttext\n1\t"Two\nlines"\n2\tA river.\n')
    assert (first.text, second.text) == ("Two\nlines", "A river.")


def test_a_column_of_sentences_is_the_text(tmp_path: Path) -> None:
    content = "id,title,sentences\n1,Fram,A ship. She is old.\n"
    (document,), _ = found(tmp_path / "a.csv", content)
    assert (document.title, document.text) == ("Fram", "A ship. She is old.")
    record = {"id": "1", "title": "Fram", "text": "A ship.", "sentences": 1}
    (document,), flaws = found(tmp_path / "a.jsonl", lines(record))
    assert (document.text, flaws) == ("A ship.", [])


def test_a_table_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    (first, second), _ = found(tmp_path / "a.csv", "1810,Bell Rock\n1882,Eddystone,extra\n")
    assert first.text == "column 1: 1810\ncolumn 2: Bell Rock"
    assert second.text == "column 1: 1882\ncolumn 2: Eddystone\ncolumn 3: extra"


@pytest.mark.parametrize(
    "rows",
    [
        "Country,Code,1960,1961\nAruba,ABW,54211,55438\n",
        "Country,Code,1960,1961,1962\nAruba,ABW,54211,1999,\n",
        ",1960,1961\nAruba,0.5,\n",
        "Country,1960\nAruba,54211\n",
    ],
)
def test_years_name_columns(tmp_path: Path, rows: str) -> None:
    (document,), _ = found(tmp_path / "a.csv", rows)
    value = rows.splitlines()[1].split(",")[1 if ",ABW" not in rows else 2]
    assert f"1960: {value}" in document.text.splitlines()


@pytest.mark.parametrize(
    "rows",
    [
        "1810,Bell Rock\n1882,Eddystone\n",
        "Bell Rock,1810\nEddystone,1882\n",
        "Ida,1810,1882\nTom,1820,\n",
        "Ida,1810,36\nTom,1820,49\n",
        "Ida,1900,1900\nTom,54211,54211\n",
        "Ida,1900,2000,2100\nTom,36,2000,49\n",
        "Ida,1900\n",
    ],
)
def test_years_that_are_values_name_no_columns(tmp_path: Path, rows: str) -> None:
    documents, _ = found(tmp_path / "a.csv", rows)
    assert len(documents) == rows.count("\n")
    assert documents[0].text.startswith("column 1: ")


@pytest.mark.parametrize("delimiter", [";", "\t", "^"])
def test_a_first_line_that_says_what_separates_cells_is_no_row(
    tmp_path: Path, delimiter: str
) -> None:
    rows = [["Name", "Built"], ["Bell Rock, a, b, c", "1810"]]
    content = f"sep={delimiter}\r\n" + "\r\n".join(delimiter.join(row) for row in rows)
    (document,), _ = found(tmp_path / "a.csv", content)
    assert (document.id, document.text) == ("a.csv:3", "Name: Bell Rock, a, b, c\nBuilt: 1810")


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (document,), _ = found(tmp_path / "a.csv", "a,a,\nx,y,z\n")
    assert document.text == "a: x\na (2): y\ncolumn 3: z"


def test_a_cell_may_be_as_long_as_it_likes(tmp_path: Path) -> None:
    (document,), _ = found(tmp_path / "a.csv", f"id,text\n1,{'word ' * 100_000}\n")
    assert len(document.text) == 500_000


def test_a_column_whose_name_is_as_long_as_a_book_is_read_until_it_is_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.index.readers._MOST_CHARACTERS", 10_000)
    documents, flaws = found(tmp_path / "a.csv", f"{'x' * 9_000},y\n" + "1,2\n" * 500)
    assert 1 < len(documents) < 20
    assert flaws == ["has far more text than a file of its size may have; split it"]
    documents, flaws = found(tmp_path / "b.csv", "x,y\n" + "1,2\n" * 9_000)
    assert (len(documents), flaws) == (9_000, [])


def test_ids_are_cut_where_they_are_long(tmp_path: Path) -> None:
    content = lines({"id": "x" * 5_000, "text": "One."}, {"id": "y", "text": "Two."})
    documents, _ = found(tmp_path / "a.jsonl", content)
    assert [document.id for document in documents] == ["x" * 1_000, "y"]


def test_an_object_with_a_text_of_its_own_is_one_record(tmp_path: Path) -> None:
    record = {"title": "Fram", "text": "A ship.", "authors": [{"name": "Ida"}, {"name": "Tom"}]}
    (document,), _ = found(tmp_path / "fram.json", json.dumps(record))
    assert (document.title, document.text) == ("Fram", "A ship.")
    documents, _ = found(tmp_path / "all.json", json.dumps({"records": [record, record]}))
    assert len(documents) == 2
