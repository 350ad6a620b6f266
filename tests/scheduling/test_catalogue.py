"""A resident's words find the matter that was meant, on the demo's catalogue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import Style, lazy_pinyin

from deploy import demo_world
from scheduling.catalogue import Matter, UnknownMatter

CATALOGUE = demo_world.catalogue()
ALL = CATALOGUE.all()


def found(query: str) -> list[str]:
    return [matter.code for matter in CATALOGUE.search(query)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("失业登记", "JY-01"),
        ("跨省异地就医备案", "YB-01"),
        ("房子过户", "BD-02"),
        ("我要过户房子", "BD-02"),
        ("公积金提取", "GJ-02"),
        ("结婚证丢了", "DA-01"),
        ("开饭店", "QY-04"),
        ("ydjy", "YB-01"),
        ("YDJY", "YB-01"),
        ("yidijiuyi", "YB-01"),
        ("shiyedengji", "JY-01"),
        ("work permit", "WG-01"),
        ("Maternity", "YB-03"),
        ("BD-02", "BD-02"),
        ("bd02", "BD-02"),
    ],
)
def test_what_a_resident_types_finds_its_matter_first(query: str, code: str) -> None:
    assert found(query)[0] == code


def test_part_of_the_pinyin_finds_all_matters_that_sound_so() -> None:
    assert set(found("gongjijin")) == {"GJ-01", "GJ-02"}


def test_a_single_character_finds_the_matters_with_it() -> None:
    codes = found("婚")
    assert {"DA-01", "HY-01"} <= set(codes)


@pytest.mark.parametrize("query", ["qqqq", "龘龘龘", "xyzzy plugh", "000000"])
def test_nonsense_finds_nothing(query: str) -> None:
    assert found(query) == []


@pytest.mark.parametrize("query", ["", "   ", "--", "。", "🙂"])
def test_a_query_without_letters_lists_everything_in_catalogue_order(query: str) -> None:
    assert found(query) == [matter.code for matter in ALL]


@pytest.mark.parametrize("matter", ALL, ids=lambda m: m.code)
def test_every_matter_is_found_by_its_own_names(matter: Matter) -> None:
    assert found(matter.name_zh)[0] == matter.code
    assert found(matter.name_en)[0] == matter.code
    assert found(matter.code)[0] == matter.code


@pytest.mark.parametrize("matter", ALL, ids=lambda m: m.code)
def test_every_matter_is_found_by_its_pinyin_and_its_initials(matter: Matter) -> None:
    name = "".join(c for c in matter.name_zh if c.isalnum())
    assert matter.code in found("".join(lazy_pinyin(name)))
    assert matter.code in found("".join(lazy_pinyin(name, style=Style.FIRST_LETTER)))


@pytest.mark.parametrize("matter", ALL, ids=lambda m: m.code)
def test_every_matter_is_found_by_each_of_its_everyday_words(matter: Matter) -> None:
    for word in matter.words:
        assert matter.code in found(word)


@given(st.text(max_size=60))
def test_any_text_finds_only_matters_each_at_most_once(query: str) -> None:
    codes = found(query)
    assert len(set(codes)) == len(codes)
    assert set(codes) <= {matter.code for matter in ALL}


def test_an_unknown_matter_is_refused_by_its_code() -> None:
    with pytest.raises(UnknownMatter, match="XX-99"):
        CATALOGUE.matter("XX-99")


def test_a_matter_is_unknown_in_a_city_that_does_not_do_it() -> None:
    assert CATALOGUE.matter("LS-01", "320500").code == "LS-01"
    for city in ("330400", "999999"):
        with pytest.raises(UnknownMatter, match=city):
            CATALOGUE.matter("LS-01", city)
