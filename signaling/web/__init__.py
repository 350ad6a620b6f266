"""The kit of every page: base template, scripts, styles and words, and how pages are served.

Pages are shells without data: what they show comes over the interface and the line, by role.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

HERE = Path(__file__).parent
LANGUAGES = ("zh_CN", "en")
_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; media-src 'self' blob:; connect-src 'self' ws: wss:; "
        "img-src 'self' data:; style-src 'self'; script-src 'self'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self), autoplay=(self)",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its address, its template's folder and name, and the folder of its scripts."""

    path: str
    name: str
    folder: Path
    title_zh: str
    title_en: str


def add_pages(app: web.Application, pages: list[Page]) -> None:
    """Serve the pages, their static files under `/static/<name>/`, and the kit."""
    app.router.add_static("/static/kit/", HERE / "static")
    app.router.add_static("/static/words/", HERE / "words")
    for folder in {page.folder for page in pages}:
        app.router.add_static(f"/static/{folder.name}/", folder / "static")
    for page in pages:
        app.router.add_get(page.path, _render(page))


def _render(page: Page) -> Callable[[web.Request], Awaitable[web.Response]]:
    environment = Environment(
        loader=FileSystemLoader([page.folder / "templates", HERE / "templates"]),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
    )
    body = environment.get_template(f"{page.name}.html").render(page=page)

    async def serve(request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/html")

    return serve


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on every answer (an `on_response_prepare` signal)."""
    for name, value in _SECURITY.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-cache")
