"""Sets of questions in every format, as files that the tests write."""

from __future__ import annotations

import base64
import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from edge_agent.errors import EvaluationError
from edge_agent.evaluation.questions import Question, QuestionSet
from edge_agent.evaluation.sets import FORMATS, read_set
from edge_agent.evaluation.sets.encryption import canary_key, decrypted
from edge_agent.index import Library

Records = Sequence[Mapping[str, Any]]


def json_lines(path: Path, records: Records) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    return path


def table(path: Path, records: Records, separator: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(records[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(records)
    return path


def sheet(path: Path, records: Records) -> Path:
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(list(records[0]))
    for each in records:
        page.append(list(each.values()))
    book.save(path)
    return path


def encrypted(text: str, key: bytes) -> str:
    pairs = zip(text.encode("utf-8"), cycle(key), strict=False)
    return base64.b64encode(bytes(byte ^ part for byte, part in pairs)).decode("ascii")


def only(found: QuestionSet) -> Question:
    (question,) = found.questions
    return question


def test_our_own_format_from_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "ships"
    folder.mkdir()
    json_lines(folder / "corpus.jsonl", [{"id": "fram", "title": "Fram", "text": "A ship."}])
    json_lines(
        folder / "questions.jsonl",
        [
            {"id": "a", "split": "dev", "question": "Who?", "answer": "Colin Archer",
             "answer_aliases": ["Archer"], "gold": ["fram"], "hops": 2},
            {"id": "b", "split": "train", "question": "Where?", "answers": ["Larvik", "Norway"],
             "type": "bridge"},
            {"id": "c", "split": "dev", "question": "Why?", "answers": [], "type": "unanswerable"},
            {"id": "d", "split": "dev", "question": "What?", "answer": "x", "is_impossible": True},
            {"question": "When?", "answer": 1892, "gold_titles": ["Fram"]},
            {"id": "f", "split": "test", "question": "Who?", "answer": ["Archer", "C. Archer"]},
            {"id": "g", "split": "test", "question": "Who?", "answer": "x", "answerable": "False"},
        ],
    )  # fmt: skip
    found = read_set(folder)
    assert (found.name, found.form, found.splits) == ("ships", "own", ("dev", "train", "test"))
    assert found.corpus is not None
    assert found.corpus.path == folder / "corpus.jsonl"
    a, b, c, d, e, f, g = found.questions
    assert a.answers == ("Colin Archer", "Archer")
    assert (a.gold, a.kind) == (frozenset({"fram"}), "2 hops")
    assert (b.answers, b.kind) == (("Larvik", "Norway"), "bridge")
    assert (c.answers, d.answers) == ((), ())
    assert (e.id, e.answers, e.gold_by, e.gold) == ("5", ("1892",), "title", frozenset({"Fram"}))
    assert (f.answers, g.answers) == (("Archer", "C. Archer"), ())
    assert [each.id for each in found.of_split("dev")] == ["a", "c", "d", "5"]
    assert len(found.of_split(None)) == 7


def test_gaia_leaves_out_what_comes_with_a_file_or_without_an_answer(tmp_path: Path) -> None:
    common = {"Level": 1, "file_name": "", "Annotator Metadata": {"Steps": "1"}}
    json_lines(
        tmp_path / "metadata.jsonl",
        [
            {**common, "task_id": "t1", "Question": "How many?", "Final answer": "3"},
            {
                **common,
                "task_id": "t2",
                "Question": "Which?",
                "Final answer": "x",
                "file_name": "a.png",
            },
            {**common, "task_id": "t3", "Question": "Who?", "Final answer": "?"},
        ],
    )
    found = read_set(tmp_path)
    assert (found.form, found.judging, len(found.left_out)) == ("gaia", "gaia", 2)
    assert (only(found).id, only(found).answers, only(found).kind) == ("t1", ("3",), "level 1")


def test_the_list_of_103_questions_of_gaia(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    path.write_text(
        json.dumps([{"id": 0, "Question": "How?", "Level": 2, "answer": "so", "task_id": "t9"}])
    )
    found = read_set(path)
    assert (found.form, only(found).id, only(found).answers) == ("gaia", "t9", ("so",))


def test_standardized_data_of_miroflow(tmp_path: Path) -> None:
    path = json_lines(
        tmp_path / "standardized_data.jsonl",
        [
            {"task_id": "m1", "task_question": "Who?", "ground_truth": "Ada", "file_path": None,
             "metadata": {"Level": 3}},
            {"task_id": "m2", "task_question": "What?", "ground_truth": "x", "file_path": "a.pdf",
             "metadata": {}},
        ],
    )  # fmt: skip
    found = read_set(path)
    assert (found.form, found.left_out) == ("miroflow", ("they come with a file",))
    assert (only(found).id, only(found).answers, only(found).kind) == ("m1", ("Ada",), "level 3")
    for folder, judging in (
        ("hle-text-500", "hle"),
        ("xbench_deepsearch", "xbench"),
        ("browsecomp-zh", "browsecomp"),
        ("frames", "equivalence"),
        ("kathleen", "equivalence"),
    ):
        (tmp_path / folder).mkdir()
        shutil.copy(path, tmp_path / folder)
        assert read_set(tmp_path / folder).judging == judging


def test_hle_leaves_out_pictures(tmp_path: Path) -> None:
    common = {"answer_type": "exactMatch", "category": "Math"}
    path = json_lines(
        tmp_path / "hle.jsonl",
        [
            {**common, "id": "h1", "question": "2 + 2?", "answer": "4", "image": ""},
            {**common, "id": "h2", "question": "This?", "answer": "A", "image": "data:image/png;…"},
        ],
    )
    found = read_set(path)
    assert (found.form, found.judging) == ("hle", "hle")
    assert (only(found).id, only(found).kind) == ("h1", "Math")
    assert found.left_out == ("they come with a picture",)


def test_browsecomp_is_decrypted(tmp_path: Path) -> None:
    key = canary_key("a canary")
    path = table(
        tmp_path / "browse_comp_test_set.csv",
        [{"problem": encrypted("Which ship, built in 1892?", key), "answer": encrypted("Fram", key),
          "problem_topic": "Ships", "canary": "a canary"}],
    )  # fmt: skip
    found = read_set(path)
    assert (found.form, found.judging) == ("browsecomp", "browsecomp")
    question = only(found)
    assert (question.text, question.answers) == ("Which ship, built in 1892?", ("Fram",))
    assert question.kind == "Ships"


def test_browsecomp_zh_is_decrypted_from_a_sheet(tmp_path: Path) -> None:
    key = canary_key("BrowseComp-ZH")
    path = sheet(
        tmp_path / "browsecomp-zh-encrypted.xlsx",
        [{"Topic": encrypted("体育", key), "Question": encrypted("哪艘船？", key),
          "Answer": encrypted("前进号", key), "canary": "BrowseComp-ZH"}],
    )  # fmt: skip
    found = read_set(path)
    assert found.form == "browsecomp-zh"
    assert (only(found).text, only(found).answers, only(found).kind) == (
        "哪艘船？",
        ("前进号",),
        "体育",
    )


def test_xbench_is_decrypted_with_the_canary_itself(tmp_path: Path) -> None:
    key = b"xbench"
    path = table(
        tmp_path / "DeepSearch.csv",
        [{"id": "7", "prompt": encrypted("哪一年？", key), "type": "问答题",
          "answer": encrypted("1892", key), "canary": "xbench"}],
    )  # fmt: skip
    found = read_set(path)
    assert (found.form, found.judging) == ("xbench", "xbench")
    assert (only(found).id, only(found).text, only(found).answers) == ("7", "哪一年？", ("1892",))


@given(st.text(), st.text(min_size=1))
def test_what_is_encrypted_can_be_read_again(text: str, canary: str) -> None:
    assert decrypted(encrypted(text, canary_key(canary)), canary_key(canary)) == text


def test_the_encryption_is_that_of_the_benchmark() -> None:
    # SHA-256 of "abc" begins ba 78 16 bf, and "Fram" is 46 72 61 6d: fc 0a 77 d2.
    assert decrypted("/Ap30g==", canary_key("abc")) == "Fram"


def test_a_wrong_canary_is_told(tmp_path: Path) -> None:
    path = table(
        tmp_path / "browse.csv",
        [{"problem": encrypted("Which ship?", canary_key("one")), "answer": "not base64!",
          "canary": "another"}],
    )  # fmt: skip
    with pytest.raises(EvaluationError, match=r"Record 1 of .* is not in the format browsecomp"):
        read_set(path)


def test_frames_knows_its_evidence_by_title(tmp_path: Path) -> None:
    links = (
        "['https://en.wikipedia.org/wiki/Colin_Archer', 'https://en.wikipedia.org/wiki/Gj%C3%B8a']"
    )
    path = table(
        tmp_path / "test.tsv",
        [{"": "0", "Prompt": "Which ship\tis older?", "Answer": "Gjøa",
          "reasoning_types": "Temporal reasoning", "wiki_links": links}],
        separator="\t",
    )  # fmt: skip
    found = read_set(path)
    question = only(found)
    assert (found.form, question.gold_by) == ("frames", "title")
    assert question.gold == frozenset({"Colin Archer", "Gjøa"})
    assert (question.kind, question.text) == ("Temporal reasoning", "Which ship\tis older?")


LINKS = [
    "https://en.wikipedia.org/wiki/Schindler's_List",
    "https://en.wikipedia.org/wiki/Fram_(ship)#Design",
    "https://en.m.wikipedia.org/wiki/Gj%C3%B8a,",
    "https://example.org/elsewhere",
]


@pytest.mark.parametrize(
    "links",
    [
        LINKS,
        str(LINKS),
        f"{LINKS} and so on",
        "\n".join(LINKS),
        ",".join(LINKS),
        ", ".join(LINKS),
        [",".join(LINKS)],
    ],
)
def test_frames_may_have_its_links_in_any_form(tmp_path: Path, links: str | list[str]) -> None:
    record = {"Prompt": "Which?", "Answer": "Gjøa", "wiki_links": links}
    question = only(read_set(json_lines(tmp_path / "test.jsonl", [record])))
    assert question.gold == frozenset({"Schindler's List", "Fram (ship)", "Gjøa"})


def test_a_title_in_frames_may_have_a_comma(tmp_path: Path) -> None:
    links = "https://en.wikipedia.org/wiki/Larvik,_Norway,https://en.wikipedia.org/wiki/Fram"
    record = {"Prompt": "Which?", "Answer": "Larvik", "wiki_links": links}
    question = only(read_set(json_lines(tmp_path / "test.jsonl", [record])))
    assert question.gold == frozenset({"Larvik, Norway", "Fram"})


@pytest.mark.parametrize(
    ("field", "value", "answerable"),
    [
        *(("answerable", value, True) for value in (True, 1, "1", "yes", "True", None, "")),
        *(("answerable", value, False) for value in (False, 0, "0", "No", "FALSE")),
        *(("is_impossible", value, False) for value in (True, 1, "yes")),
        *(("is_impossible", value, True) for value in (False, 0, "no")),
    ],
)
def test_whether_there_is_an_answer_may_be_said_in_any_way(
    tmp_path: Path, field: str, value: object, answerable: bool
) -> None:
    record = {"question": "Who?", "answer": "Ada", field: value}
    question = only(read_set(json_lines(tmp_path / "q.jsonl", [record])))
    assert question.answers == (("Ada",) if answerable else ())


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        ({"answer": True}, ("yes", "True")),
        ({"answer": False}, ("no", "False")),
        ({"answers": [False]}, ("no", "False")),
        ({"answer": 0}, ("0",)),
    ],
)
def test_true_and_false_are_answers(
    tmp_path: Path, given: dict[str, object], answers: tuple[str, ...]
) -> None:
    path = json_lines(tmp_path / "q.jsonl", [{"question": "Is it?", **given}])
    assert only(read_set(path)).answers == answers


def test_a_question_with_nothing_but_a_blank_answer_is_left_out(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"question": "Who?", "answers": [""]},
        {"question": "Where?", "answer": "Larvik"},
        {"question": "Why?", "answers": [""], "answerable": False},
    ]
    found = read_set(json_lines(tmp_path / "q.jsonl", records))
    assert [each.id for each in found.questions] == ["2", "3"]
    assert found.left_out == ("their answers are blank",)


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        ({"answer": "Ada", "answer_aliases": ["Ada Lovelace", "", None]}, ("Ada", "Ada Lovelace")),
        ({"answer": "Ada", "answers": [""]}, ("Ada",)),
        ({"answer": [" "], "answers": ["Ada"]}, ("Ada",)),
        ({"answer": False, "answers": [""]}, ("no", "False")),
    ],
)
def test_a_blank_beside_an_answer_does_not_count(
    tmp_path: Path, given: dict[str, object], answers: tuple[str, ...]
) -> None:
    path = json_lines(tmp_path / "q.jsonl", [{"question": "Who?", **given}])
    assert only(read_set(path)).answers == answers


def test_only_an_answer_says_yes_or_no(tmp_path: Path) -> None:
    record = {"question": "Is it?", "answer": True, "gold": [True], "answer_aliases": [False]}
    question = only(read_set(json_lines(tmp_path / "q.jsonl", [record])))
    assert question.answers == ("yes", "True", "False")
    assert question.gold == {"True"}


@pytest.mark.parametrize("other", [None, "", " ", []])
def test_where_one_list_is_blank_and_nothing_else_answers_the_question_is_left_out(
    tmp_path: Path, other: object
) -> None:
    records: list[dict[str, Any]] = [
        {"question": "Who?", "answers": [""], "answer": other},
        {"question": "a", "answer": "b"},
    ]
    assert read_set(json_lines(tmp_path / "q.jsonl", records)).left_out


def test_between_tabs_a_quotation_mark_may_belong_to_a_question(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text('question\tanswer\n"Fram" was built by whom?\tArcher\nWhere?\tLarvik\n')
    assert [each.text for each in read_set(path).questions] == [
        '"Fram" was built by whom?',
        "Where?",
    ]


def test_simpleqa(tmp_path: Path) -> None:
    path = table(
        tmp_path / "simple_qa_test_set.csv",
        [{"metadata": "{'topic': 'Geography', 'answer_type': 'Place', 'urls': []}",
          "problem": "Where?", "answer": "Larvik"},
         {"metadata": "{broken", "problem": "Who?", "answer": "Ada"}],
    )  # fmt: skip
    found = read_set(path)
    assert (found.form, found.judging) == ("simpleqa", "simpleqa")
    assert [each.kind for each in found.questions] == ["Geography", ""]


@pytest.mark.parametrize("capital", [True, False])
def test_webwalkerqa_in_both_spellings(tmp_path: Path, capital: bool) -> None:
    record = {"question": "When?", "answer": "In May", "root_url": "https://example.org",
              "info": {"difficulty_level": "Medium", "lang": "en"}}  # fmt: skip
    spelled = {key.title(): value for key, value in record.items()} if capital else record
    found = read_set(json_lines(tmp_path / "walker.jsonl", [spelled]))
    assert found.form == "webwalkerqa"
    assert (only(found).text, only(found).kind) == ("When?", "medium")


def test_bamboogle(tmp_path: Path) -> None:
    path = table(
        tmp_path / "bamboogle.csv",
        [{"Question": "Who?", "Answer": "Ada", "Answer 2": "Ada Lovelace"},
         {"Question": "Where?", "Answer": "Larvik", "Answer 2": ""}],
    )  # fmt: skip
    found = read_set(path)
    assert found.form == "bamboogle"
    assert [each.answers for each in found.questions] == [("Ada", "Ada Lovelace"), ("Larvik",)]


def test_multihop_rag_with_its_articles(tmp_path: Path) -> None:
    articles = [{"title": "Fram", "body": "The Fram was designed by Colin Archer.", "url": "u1"}]
    (tmp_path / "corpus.json").write_text(json.dumps(articles))
    (tmp_path / "MultiHopRAG.json").write_text(
        json.dumps(
            [
                {"query": "Who designed it?", "answer": "Colin Archer",
                 "question_type": "inference_query", "evidence_list": [{"title": "Fram"}]},
                {"query": "Why?", "answer": "Insufficient information.",
                 "question_type": "null_query", "evidence_list": []},
            ]
        )
    )  # fmt: skip
    found = read_set(tmp_path)
    first, second = found.questions
    assert (found.form, first.kind, first.gold_by) == ("multihop-rag", "inference", "title")
    assert (first.gold, second.answers, second.kind) == (frozenset({"Fram"}), (), "null")
    assert found.corpus is not None
    library = Library(tmp_path / "library")
    library.add([found.corpus])
    assert library.search("Colin Archer", 1)[0].passage.title == "Fram"


def test_a_table_of_questions_by_id(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_text(json.dumps({"a": {"question": "Who?", "answer": "Ada"}}))
    assert only(read_set(path)).text == "Who?"
    path.write_text(json.dumps({"version": 1, "data": [{"question": "Where?", "answer": "x"}]}))
    assert only(read_set(path)).text == "Where?"


def test_a_format_can_be_forced(tmp_path: Path) -> None:
    path = table(tmp_path / "q.csv", [{"Question": "Who?", "Answer": "Ada"}])
    with pytest.raises(EvaluationError, match=r"Record 1 .* is not in the format frames"):
        read_set(path, "frames")
    with pytest.raises(EvaluationError, match=f"Use one of: {', '.join(FORMATS)}"):
        read_set(path, "nonsense")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.jsonl", b"", "There are no questions"),
        ("q.jsonl", b'{"question": "Who?"}\n', "in no known format: their fields are question"),
        ("q.jsonl", b'{"question": "Who?", "answer": ""}\n', "its 'answer' is empty"),
        ("q.jsonl", b'{"question": "Who?", "answers": "Ada"}\n', "its 'answers' is no list"),
        ("q.jsonl", b'{"question": "Who?", "answer": null, "hops": 1}\n', "its 'answer' is empty"),
        ("q.jsonl", b'{"question": "Who?", "answers": null}\n', "it has no 'answer'"),
        ("q.jsonl", b'{"question": "Who?", "answer": {"value": "x"}}\n', "'answer' holds several"),
        ("q.jsonl", b'{"question": "Who?", "answers": [{"text": "x"}]}\n', "'answers' holds"),
        ("q.jsonl", b'{"question": "Who?", "answer": "x", "hops": "many"}\n', "format own"),
        (
            "q.jsonl",
            b'{"question": "Who?", "answers": ["x", ""]}\n',
            "Record 1 .*'answers' has a bl",
        ),
        ("q.jsonl", b'{"question": "Who?", "answer": [" "]}\n', "their answers are blank"),
        ("q.jsonl", b'{"question": "Who?", "answers": [null]}\n', "their answers are blank"),
        ("q.jsonl", b'{"question": "a", "answer": "x", "answerable": "?"}\n', "neither yes nor no"),
        (
            "MultiHopRAG.json",
            b'[{"query": "a", "answer": "x", "evidence_list": [{"title": null}]}]',
            "Record 1 .* 'title' is empty",
        ),
        ("q.jsonl", b"not json\n", "Line 1 of .* is not JSON"),
        ("q.jsonl", b"[1]\n", "is not a JSON object"),
        ("q.jsonl", b"\xff\xfe\n", "cannot be read"),
        ("q.json", b'"text"', "is not a list of questions"),
        ("q.parquet", b"PAR1", "is Parquet"),
        ("q.doc", b"", "is of no known kind"),
        ("q.xlsx", b"not a sheet", "cannot be read as an Excel file"),
        ("q.jsonl", b'{"id": 1, "question": "a", "answer": "b"}\n' * 2, "have the id '1'"),
        ("q.csv", b"Question,Answer\nWho?,\n", "it has no 'Answer'"),
        ("q.csv", b"Question,Answer\nWho?\n", "it has no 'Answer'"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(EvaluationError, match=said):
        read_set(path)


def test_nothing_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="There is no set of questions at"):
        read_set(tmp_path / "nowhere.jsonl")
    with pytest.raises(EvaluationError, match="holds no questions"):
        read_set(tmp_path)


@given(st.binary(max_size=200), st.sampled_from([".jsonl", ".json", ".csv", ".tsv"]))
def test_no_file_makes_reading_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(content)
    try:
        found = read_set(path)
    except EvaluationError:
        return
    assert found.questions


def test_the_sets_beside_the_project(shared_data: Path) -> None:
    for name, questions in (("2wiki", 100), ("musique", 92), ("nq_qed", 355), ("hotpotqa", 277)):
        found = read_set(shared_data / name)
        assert len(found.of_split("dev")) == questions
        assert all(each.gold and each.answers for each in found.questions)
