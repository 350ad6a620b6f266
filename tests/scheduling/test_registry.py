"""The organisation and the catalogue go into the database and come out the same."""

from deploy import demo_world
from scheduling.registry import Registry
from tests.scheduling.office import CLERK, JIAXING, NOON, office
from tests.support.worlds import World


async def test_the_catalogue_comes_back_as_it_was_taken_in(world: World) -> None:
    async with office(world) as at:
        kept = await Registry(at.engine).catalogue()
        assert kept.all() == demo_world.catalogue().all()
        assert kept.groups == demo_world.catalogue().groups


async def test_loading_again_changes_nothing(world: World) -> None:
    async with office(world) as at:
        registry = Registry(at.engine)
        before = (await at.board.cities(), await at.board.sites(), await registry.catalogue())
        await registry.load(demo_world.cities(), demo_world.sites(), demo_world.catalogue())
        after = (await at.board.cities(), await at.board.sites(), await registry.catalogue())
        assert after[:2] == before[:2]
        assert after[2].all() == before[2].all()


async def test_a_window_that_is_known_stays_as_it_is(world: World) -> None:
    async with office(world) as at:
        await at.ready(CLERK)
        before = await at.board.window(CLERK)
        await Registry(at.engine).add_window(
            clerk=CLERK, city=JIAXING, name_zh="新", name_en="New", now=NOON
        )
        assert await at.board.window(CLERK) == before


async def test_the_lead_city_is_first(world: World) -> None:
    async with office(world) as at:
        cities = list((await at.board.cities()).values())
        assert [city.lead for city in cities] == [True] + [False] * 8
