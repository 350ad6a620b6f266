"""What do the media hosts count, for Prometheus? Their status as text metrics.

Counts are summed per host, so that no call, party or address ever stands in a label (T13).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

PREFIX = "virtual_window_media"
_SUMMED = (
    ("received", "RTP packets received"),
    ("received_bytes", "bytes of RTP received"),
    ("forwarded", "RTP packets sent on"),
    ("repaired", "packets that a retransmission brought"),
    ("refused", "packets that were not authentic"),
    ("flooded", "packets dropped because a party sent too many"),
    ("unknown_ssrc", "packets of media nobody announced"),
    ("unknown_payload_type", "packets of a codec nobody offered"),
    ("malformed", "packets that do not parse"),
    ("unsent", "packets that could not be sealed"),
)


class _Hosts:
    def __init__(self, statuses: Sequence[dict[str, Any]]) -> None:
        self._all = statuses
        self._statuses = [status for status in statuses if "lost" not in status]

    def collect(self) -> Iterator[Metric]:
        ready = GaugeMetricFamily(
            f"{PREFIX}_ready", "whether the host answers and takes new calls", labels=["host"]
        )
        for status in self._all:
            ready.add_metric([status["name"]], float(status["ready"]))
        yield ready
        for key, text in (
            ("calls", "running calls"),
            ("recordings", "files being written"),
        ):
            gauge = GaugeMetricFamily(f"{PREFIX}_{key}", text, labels=["host"])
            for status in self._statuses:
                gauge.add_metric([status["name"]], float(status[key]))
            yield gauge
        for key, text in (
            ("recorded_bytes", "bytes written into recordings"),
            ("recording_failures", "recordings that could not go on"),
        ):
            counter = CounterMetricFamily(f"{PREFIX}_{key}", text, labels=["host"])
            for status in self._statuses:
                counter.add_metric([status["name"]], float(status[key]))
            yield counter
        for key, text in _SUMMED:
            gauge = GaugeMetricFamily(
                f"{PREFIX}_{key}", f"{text}, of the open connections", labels=["host"]
            )
            for status in self._statuses:
                total = sum(c.get(key, 0) for c in status["connections"])
                gauge.add_metric([status["name"]], float(total))
            yield gauge
        refused = CounterMetricFamily(
            f"{PREFIX}_dropped_datagrams", "datagrams that reached no call", labels=["host", "why"]
        )
        for status in self._statuses:
            for reason, count in status["refused"].items():
                if reason != "answered":
                    refused.add_metric([status["name"], reason], float(count))
        yield refused


class Timings:
    """How long things took on one host, as histograms (seconds)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.connect = Histogram(
            f"{PREFIX}_connect_seconds",
            "from a connection's offer to sealed media",
            buckets=(0.1, 0.2, 0.5, 1, 2, 5, 8, 15, 30),
            registry=self.registry,
        )
        self.write = Histogram(
            f"{PREFIX}_write_seconds",
            "writing one second of a recording, with its way to the disk",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
            registry=self.registry,
        )


def metrics_text(statuses: Sequence[dict[str, Any]], timings: Timings | None = None) -> str:
    """The Prometheus exposition of these hosts' `status()`; a lost one is only not ready.

    `timings` are those of the host in this process.
    """
    registry = CollectorRegistry()
    registry.register(_Hosts(statuses))
    text = generate_latest(registry).decode()
    return text if timings is None else text + generate_latest(timings.registry).decode()
