"""The words of the pages: the same keys in both languages, and every key a page asks for."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LANGUAGES = ("zh_CN", "en")
WORDS: dict[str, dict[str, str]] = {
    language: json.loads(
        (ROOT / "signaling" / "web" / "words" / f"{language}.json").read_text(encoding="utf-8")
    )
    for language in LANGUAGES
}
SCRIPTS = sorted(
    path
    for folder in ("signaling", "kiosk_client", "clerk_console")
    for path in (ROOT / folder).rglob("*.js")
)
CALL = re.compile(r"\bt\(\s*")
LITERAL = re.compile(r'"([a-z_]+(?:\.[\w]+)+)"')
TEMPLATE = re.compile(r"`([a-z_.]+\.)\$\{")


def arguments_of_t(source: str) -> list[str]:
    """What stands between the parentheses of each call of `t`."""
    found = []
    for call in CALL.finditer(source):
        depth, at = 1, call.end()
        while depth and at < len(source):
            depth += {"(": 1, ")": -1}.get(source[at], 0)
            at += 1
        found.append(source[call.end() : at - 1])
    return found


def test_there_are_pages_to_look_at() -> None:
    assert len(SCRIPTS) > 5
    assert sum(len(arguments_of_t(path.read_text(encoding="utf-8"))) for path in SCRIPTS) > 50


def test_both_languages_have_the_same_keys() -> None:
    assert WORDS["zh_CN"].keys() == WORDS["en"].keys()


def test_both_languages_fill_in_the_same_values() -> None:
    for key, text in WORDS["zh_CN"].items():
        filled = [sorted(re.findall(r"\{(\w+)\}", t)) for t in (text, WORDS["en"][key])]
        assert filled[0] == filled[1], key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_has_words(language: str) -> None:
    assert [key for key, text in WORDS[language].items() if not text.strip()] == []
    assert list(WORDS[language]) == sorted(WORDS[language])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_key_that_a_page_asks_for_exists(script: Path) -> None:
    for argument in arguments_of_t(script.read_text(encoding="utf-8")):
        for key in LITERAL.findall(argument):
            assert key in WORDS["zh_CN"], key
        for prefix in TEMPLATE.findall(argument):
            assert any(key.startswith(prefix) for key in WORDS["zh_CN"]), prefix


def test_every_key_is_asked_for_somewhere() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    literals = set(re.findall(r'"([\w]+(?:\.[\w]+)*)"', sources))
    prefixes = tuple(re.findall(r"`([a-z_]+(?:\.[a-z_]+)*\.)\$\{", sources))
    suffixes = tuple(re.findall(r"\$\{\w+\}(\.[a-z_]+)`", sources))
    unused = [
        key
        for key in WORDS["zh_CN"]
        if key not in literals
        and not (prefixes and key.startswith(prefixes))
        and not (suffixes and key.endswith(suffixes))
    ]
    assert unused == []
