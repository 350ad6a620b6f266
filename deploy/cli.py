"""`virtual-window …`: the command line."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop

from deploy.bench.media import options
from deploy.database import DatabaseInUse
from deploy.settings import BadSetting, Settings, from_environment
from deploy.simulation import options as simulation_options
from scheduling.scenario import BadScenario


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says how it went."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if getattr(chosen, "verbose", False) else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    try:
        return int(chosen.run(chosen, from_environment(os.environ)))
    except (BadSetting, BadScenario, DatabaseInUse, OSError, LookupError, RuntimeError) as error:
        print(f"virtual-window: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="virtual-window", description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the service")
    serve.set_defaults(run=_serve)

    media = commands.add_parser("media", help="run a media host in a process of its own")
    media.add_argument("--status", action="store_true", help="show how the running one is doing")
    media.add_argument("--json", action="store_true", help="print the status as JSON")
    media.set_defaults(run=_media)

    demo = commands.add_parser("demo", help="run the service with a demo world and one visit")
    demo.add_argument("--once", action="store_true", help="end after the simulated visit")
    demo.add_argument("--json", action="store_true", help="print the visit as JSON")
    demo.add_argument("--with-clerk", action="store_true", help="a simulated clerk in every city")
    demo.add_argument("--with-resident", action="store_true", help="a simulated resident")
    demo.set_defaults(run=_demo)

    verify = commands.add_parser("verify", help="check recordings against their manifests")
    verify.add_argument("path", type=Path, help="a visit's folder, or a folder above it")
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(run=_verify)

    paper = commands.add_parser("verify-paper", help="say who signed a paper, and if it is theirs")
    paper.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a PDF")
    paper.add_argument(
        "--trust", type=Path, action="append", default=[], help="certificates to trust, as PEM"
    )
    paper.add_argument("--json", action="store_true")
    paper.set_defaults(run=_verify_paper)

    load = commands.add_parser("load-demo-world", help="fill the database with the demo world")
    load.set_defaults(run=_load)

    licences = commands.add_parser("licence-store", help="a licence store with invented licences")
    licences.add_argument("--port", type=int, default=7090)
    licences.set_defaults(run=_licence_store)

    docs = commands.add_parser("docs", help="write the documents and types made from the code")
    docs.add_argument("--check", action="store_true", help="only say whether they are up to date")
    docs.set_defaults(run=_docs)

    bench = commands.add_parser("bench", help="measure")
    benches = bench.add_subparsers(required=True, metavar="NAME")
    picture = benches.add_parser("picture", help="from accept to picture, beside a direct path")
    picture.add_argument("--json", action="store_true")
    picture.set_defaults(run=_bench_picture)
    media = benches.add_parser("media", help="the media node beside Janus and aiortc (as root)")
    options.add_to(media)
    media.set_defaults(run=_bench_media)

    routing = benches.add_parser("routing", help="the router and its simulation")
    routing.add_argument("--json", action="store_true")
    routing.set_defaults(run=_bench_routing)

    simulate = commands.add_parser("simulate", help="how a day would go under rules and shifts")
    simulation_options.add_to(simulate)
    simulate.set_defaults(run=_simulate)

    play = commands.add_parser("play", help="simulated parties against a running service")
    play.add_argument("what", choices=["visit", "clerks", "resident"])
    play.add_argument("--url", default="http://localhost:8080")
    play.add_argument("--code", default="", help="an enrolment code for the simulated kiosk")
    play.set_defaults(run=_play)
    return parser


def _serve(chosen: argparse.Namespace, settings: Settings) -> int:
    uvloop.run(_serve_until_stopped(settings))
    return 0


async def _serve_until_stopped(settings: Settings) -> None:
    from deploy.assembly import Service
    from deploy.media_host import settle

    service, stop = Service(settings), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await service.start()
        settle()
        await stop.wait()
    finally:
        await service.stop()


def _media(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy import media_process

    if not chosen.status:
        uvloop.run(media_process.run(settings))
        return 0
    counted = asyncio.run(media_process.status(settings))
    if chosen.json:
        print(msgspec.json.encode(counted).decode())
    else:
        print("\n".join(media_process.table(counted)))
    return 0


def _demo(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy import demo

    return asyncio.run(
        demo.run(
            demo.demo_settings(settings, settings.data / "demo"),
            once=chosen.once,
            as_json=chosen.json,
            with_clerk=chosen.with_clerk,
            with_resident=chosen.with_resident,
        )
    )


def _verify(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy import verify

    found = verify.folders(chosen.path)
    if not found:
        print(f"virtual-window: no manifest at or below {chosen.path}", file=sys.stderr)
        return 2
    reports = [verify.verify(folder) for folder in found]
    if chosen.json:
        print(msgspec.json.encode(reports).decode())
    else:
        for report in reports:
            print(f"{'verified' if report.verified else 'NOT VERIFIED'}  {report.folder}")
            for finding in report.findings:
                print(f"    {finding.file}: {finding.problem}")
    return 0 if all(report.verified for report in reports) else 1


def _verify_paper(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy import verify_paper

    roots = verify_paper.trusted(settings, chosen.trust)
    reports = [verify_paper.verify(path, roots) for path in chosen.files]
    if chosen.json:
        print(msgspec.json.encode(reports).decode())
    else:
        print("\n".join(line for report in reports for line in verify_paper.words(report)))
    return 0 if all(report.good for report in reports) else 1


def _load(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy import demo_world

    print(f"kiosk enrolment code (15 minutes): {asyncio.run(demo_world.load(settings))}")
    return 0


def _licence_store(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy import licence_store

    uvloop.run(licence_store.run(settings, chosen.port))
    return 0


def _docs(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy import documents

    stale = documents.stale() if chosen.check else documents.write()
    for path in stale:
        print(f"{'out of date' if chosen.check else 'written'}: {path}")
    return 1 if chosen.check and stale else 0


def _bench_picture(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy.bench import picture
    from deploy.bench.report import as_json, table

    figures = asyncio.run(picture.accept_to_picture_vs_direct())
    print(as_json(figures) if chosen.json else table(figures))
    return 0 if all(figure.ok is not False for figure in figures) else 1


def _bench_media(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy.bench.media import command

    return command.run(chosen)


def _bench_routing(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy.bench.report import as_json, table
    from deploy.bench.routing import routing_figures

    figures = routing_figures()
    print(as_json(figures) if chosen.json else table(figures))
    return 0 if all(figure.ok is not False for figure in figures) else 1


def _simulate(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy.simulation import command

    return command.run(chosen, settings)


def _play(chosen: argparse.Namespace, settings: Settings) -> int:
    from deploy import play

    if chosen.what == "visit":
        visit = asyncio.run(play.visit(chosen.url, chosen.code))
        print(msgspec.json.encode({"visit": visit}).decode())
    elif chosen.what == "clerks":
        asyncio.run(play.clerks(chosen.url))
    else:
        asyncio.run(play.residents(chosen.url, chosen.code))
    return 0


if __name__ == "__main__":
    sys.exit(main())
