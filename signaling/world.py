"""What does not change while the process runs, and how do pages see it? Cities, sites, matters."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduling.catalogue import Catalogue, Matter
from scheduling.record import City, Site
from signaling.protocol import CityView, MaterialView, MatterView, SiteView


@dataclass(frozen=True, slots=True)
class World:
    """Cities, sites and the catalogue."""

    cities: Mapping[str, City]
    sites: Mapping[str, Site]
    catalogue: Catalogue


def matter_view(matter: Matter) -> MatterView:
    """A matter as pages see it."""
    return MatterView(
        code=matter.code,
        group=matter.group,
        name_zh=matter.name_zh,
        name_en=matter.name_en,
        department_zh=matter.department_zh,
        minutes=matter.minutes,
        cities=list(matter.cities),
        materials=[MaterialView(m.name, m.required) for m in matter.materials],
    )


def city_view(city: City) -> CityView:
    """A city as pages see it."""
    return CityView(city.code, city.name_zh, city.name_en)


def site_view(site: Site) -> SiteView:
    """A site as pages see it."""
    return SiteView(site.id, site.name_zh, site.name_en)
