"""Readers of source code and of LaTeX: text under the headings that definitions make."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import read

from edge_agent.index import Document, split
from edge_agent.index.readers.latex import with_letters


def one(path: Path, content: str) -> Document:
    path.write_text(content, encoding="utf-8")
    (document,) = read(path, f"src/{path.name}")
    assert isinstance(document, Document)
    return document


def parts(document: Document) -> list[tuple[tuple[str, ...], str]]:
    return [(s.headings, document.text[s.start : s.end]) for s in document.sections]


def test_source_code_stands_as_it_is_in_sections_of_definitions(tmp_path: Path) -> None:
    code = (
        'import os\n\n\n# Finds it.\n@cache\ndef find(path: str) -> bool:\n    """Say."""\n'
        "    def inner(): ...\n\n\nclass Finder(Base):\n    x = 1\n"
    )
    document = one(tmp_path / "finder.py", code)
    assert (document.id, document.title, document.text) == ("src/finder.py", "finder.py", code)
    (first, find, finder) = parts(document)
    assert first == ((), "import os\n\n\n")
    assert find[0] == ("def find(path: str) -> bool",)
    assert find[1].startswith("# Finds it.\n@cache\ndef find")
    assert finder == (("class Finder(Base)",), "class Finder(Base):\n    x = 1\n")
    assert split(document)[-1].place == "§ class Finder(Base)"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.js", "export default async function main(x) {"),
        ("a.ts", "export interface Light {"),
        ("a.ts", "const show = async (x: number) => {"),
        ("a.go", "func (l *Light) Show() error {"),
        ("a.rs", "pub(crate) fn show(x: u8) -> u8 {"),
        ("a.rs", "impl Light for Lamp {"),
        ("a.java", "public final class Light extends Lamp {"),
        ("a.c", "static int show(struct light *l)"),
        ("a.cpp", "std::vector<int> Light::show(int x) const {"),
        ("a.cs", "public sealed record Light(int Height)"),
        ("a.rb", "module Lights"),
        ("a.sh", "show() {"),
        ("a.sql", "CREATE TABLE lights ("),
        ("a.sql", "CREATE OR REPLACE VIEW tall AS"),
        ("a.kt", "data class Light(val height: Int)"),
        ("a.r", "show <- function(x) {"),
        ("a.lua", "local function show(x)".removeprefix("local ")),
        ("a.clj", "(defn show [x]"),
        ("a.ex", "defmodule Light do"),
        ("a.scala", "case class Light(height: Int)"),
        ("a.toml", "[tool.light]"),
        ("a.ini", "[light]"),
    ],
)
def test_definitions_in_many_languages(tmp_path: Path, name: str, line: str) -> None:
    document = one(tmp_path / name, f"first\n\n{line}\n  body\n")
    assert [headings for headings, _ in parts(document)] == [(), (line.rstrip(" {:"),)]


@pytest.mark.parametrize("name", ["a.yaml", "a.xml", "a.css", "a.c", "a.py"])
def test_what_only_looks_like_a_definition_makes_no_section(tmp_path: Path, name: str) -> None:
    text = "classes: 3\n<definition/>\nshow(3);\nx = default;\n"
    assert parts(one(tmp_path / name, text)) == [((), text)]


def test_a_long_signature_is_cut_and_a_long_line_takes_no_time(tmp_path: Path) -> None:
    document = one(
        tmp_path / "a.c", f"int f({'int a, ' * 50}) {{\n{'a ' * 200_000}\n{'(' * 99_999}"
    )
    ((heading,), _) = parts(document)[0]
    assert len(heading) <= 80


LATEX = r"""
\documentclass{article} % a comment
\title{On \emph{Light}houses}
\begin{document}
\maketitle
Lights cost 50\% more.% really
Some ``quoted'' text~\cite{x}.

\section[Short]{Bell \textbf{Rock}}
\label{sec:bell}
% Nobody reads this.
It stands on a reef with $h = 35$.
\begin{itemize}
\item One
\item Two
\end{itemize}
\subsection*{The \emph{\textbf{reef}}}
\begin{comment}
Hidden.
\end{comment}
Red sandstone.
\end{document}
After the end.
"""


def test_latex_is_its_text_under_its_headings(tmp_path: Path) -> None:
    document = one(tmp_path / "paper.tex", LATEX)
    assert document.title == "On Lighthouses"
    (start, bell, reef) = parts(document)
    assert start == ((), "Lights cost 50% more.\nSome “quoted” text \\cite{x}.")
    assert split(document)[0].place == ""
    assert bell[0] == ("Bell Rock",)
    assert bell[1].startswith("It stands on a reef with $h = 35$.")
    assert "- One\n- Two" in bell[1]
    assert reef == (("Bell Rock", "The reef"), "Red sandstone.")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"G{\"o}del, {\"O}sterreich, M\"uller, K\"{o}ln", "Gödel, Österreich, Müller, Köln"),
        (r"\v{C}apek, Erd\H{o}s, Fran\c cois, \k{a}\r{u}\u{a}", "Čapek, Erdős, François, ąůă"),
        (r"\'\i{\'{\i}}\'{\^e} \`a \^o \~n a~b \=a \.z", "ííế à ô ñ a b ā ż"),
        (r"Stra\ss e, Wei{\ss}, \L{}\'od\'z, \O re \AA{}s \i", "Straße, Weiß, Łódź, Øre Ås ı"),
        (r"$\v{x} \circ \oint \left.$ \u{v}", r"$\v{x} \circ \oint \left.$ \u{v}"),
        (r"one\\'tis \\\'Etude", "one\n'tis \nÉtude"),
        (r"\' e \dh{}\th\ \DJ{} or\dj", r"é ðþ\ Đ orđ"),
        (r"$\'e$ \(\'e\) \'e \$\'e", r"$\'e$ \(\'e\) é $é"),
        (r"\verb|\'e| \[\'e \\[2pt] \'e\] \'e", "\\verb|\\'e| \\[\\'e \n[2pt] \\'e\\] é"),
        *(
            (rf"\begin{{{block}}}\'e\end{{{block}}}\'e", rf"\begin{{{block}}}\'e\end{{{block}}}é")
            for block in ("verbatim", "lstlisting", "align*")
        ),
    ],
)
def test_letters_that_latex_spells_out(source: str, text: str, tmp_path: Path) -> None:
    document = one(tmp_path / "a.tex", rf"\title{{{source}}}\begin{{document}}{source}")
    assert (document.title, document.text) == (" ".join(text.split()), text)


@given(st.text(alphabet="\\{}'\"^~cvikoss eL.=\n", max_size=60))
def test_every_text_may_have_letters_spelt_out(source: str) -> None:
    found = with_letters(source)
    assert len(found) <= len(source)
    assert "\\" in source or found == source


@pytest.mark.timeout(60, method="signal")  # a thread would wait for the expression, too
@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("a.tex", "\\begin{comment} "),
        ("a.tex", "\\title["),
        ("a.tex", "\\part["),
        ("a.tex", "\\label["),
        ("a.tex", "\\begin{verbatim}"),
        ("a.tex", "\\begin{verbatim}\\begin{align}"),
        ("a.tex", "\\( \\["),
        ("a.tex", "$ \n\n"),
        ("a.tex", "\\verb|\n"),
        ("a.tex", "a\\\\"),
        ("a.tex", "\\begin{figure}["),
        ("a.rs", "\npub("),
    ],
)
def test_what_is_opened_again_and_again_takes_no_time(
    tmp_path: Path, name: str, piece: str
) -> None:
    assert one(tmp_path / name, piece * (1_000_000 // len(piece))).text


def test_blocks_of_comments_are_left_out_of_latex(tmp_path: Path) -> None:
    source = "One.\\begin{comment}no\\end{comment} Two.\\begin{comment}Three."
    assert one(tmp_path / "a.tex", source).text == "One. Two.\\begin{comment}Three."


def test_latex_that_is_broken_takes_no_time(tmp_path: Path) -> None:
    document = one(tmp_path / "a.tex", "\\section{" * 20_000 + "text")
    assert document.title == "a"
