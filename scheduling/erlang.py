"""How long would a line be in theory? Erlang C and Erlang A, the formulas of call centres. Pure.

Both have Poisson arrivals, exponential service and `servers` clerks who serve one line in order.
In Erlang C (M/M/c) residents wait for ever, in Erlang A (M/M/c+M) their patience is exponential
too. They are the yardstick of `simulate.py`, and a first answer to "how many clerks?".

Rates are per second. Sources: A. K. Erlang (1917), "Solution of some problems in the theory of
probabilities of significance in automatic telephone exchanges"; C. Palm (1957), "Research on
telephone traffic carried by full availability groups"; O. Garnett, A. Mandelbaum, M. Reiman
(2002), "Designing a call center with impatient customers", M&SOM 4(3); S. Zeltyn, A. Mandelbaum
(2005), "Call centers with impatient customers: many-server asymptotics of the M/M/n+G queue",
Queueing Systems 51.
"""

from dataclasses import dataclass
from math import ceil, exp, expm1, inf, log, sqrt

_STEPS = 20, 100_000  # of Simpson's rule: for each width of the density's peak, and at most
_BIG = 1e200


@dataclass(frozen=True, slots=True)
class Line:
    """A line in steady state.

    `waits` is the probability of having to wait, `mean_wait_s` over all who come (those who leave
    wait until they do), `leaves` the share who leave, `use` the share of time a clerk is busy.
    """

    waits: float
    mean_wait_s: float
    leaves: float
    use: float
    _rate: float
    _servers: int
    _service_s: float
    _patience_s: float
    _log_full: float  # log of the probability that all clerks are busy and nobody waits

    def answered_within(self, seconds: float) -> float:
        """The service level: the share of all who come that is answered in this time."""
        if self.waits >= 1.0 and self.mean_wait_s == inf:
            return 0.0
        if self._patience_s == inf:
            spare = self._servers / self._service_s - self._rate
            return 1.0 - self.waits * exp(-spare * seconds)
        return 1.0 - self.waits + self._served_after_waiting(seconds)

    def _served_after_waiting(self, seconds: float) -> float:
        """Who waits, stays, and is answered in time: the integral of the offered wait's density.

        An infinitely patient resident would wait with density
        c·mu·p_c·exp(lambda·H(x) - c·mu·x), where H(x) is the integral of the share of residents
        still patient after x (Zeltyn and Mandelbaum, section 2).
        """
        drain, leave = self._servers / self._service_s, 1.0 / self._patience_s

        def density(at_s: float) -> float:
            patient_s = -expm1(-leave * at_s) / leave
            power = self._log_full + self._rate * patient_s - drain * at_s - leave * at_s
            return drain * exp(power)

        width_s = min(
            1.0 / sqrt(max(self._rate, drain) * leave), 1.0 / (abs(drain - self._rate) + leave)
        )
        steps = 2 * min(_STEPS[1], ceil(_STEPS[0] * (1.0 + seconds / width_s)))
        step = seconds / steps
        odd = sum(density(k * step) for k in range(1, steps, 2))
        even = sum(density(k * step) for k in range(2, steps, 2))
        return step / 3.0 * (density(0.0) + 4.0 * odd + 2.0 * even + density(seconds))


def erlang_b(servers: int, load: float) -> float:
    """The probability that all of `servers` lines are busy, callers being turned away.

    By the recursion B(c) = a·B(c-1) / (c + a·B(c-1)), which is stable for any number.
    """
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked


def erlang_c(rate: float, service_s: float, servers: int) -> Line:
    """M/M/c. With as much work as clerks, or more, everybody waits and the wait has no mean."""
    _check(rate, service_s, servers)
    load = rate * service_s
    if load >= servers:
        return Line(1.0, inf, 0.0, 1.0, rate, servers, service_s, inf, 0.0)
    use = load / servers
    blocked = erlang_b(servers, load)
    waits = blocked / (1.0 - use * (1.0 - blocked))
    mean_wait_s = waits * service_s / (servers - load)
    log_full = log(waits * (1.0 - use)) if waits > 0.0 else -inf
    return Line(waits, mean_wait_s, 0.0, use, rate, servers, service_s, inf, log_full)


def erlang_a(rate: float, service_s: float, servers: int, patience_s: float) -> Line:
    """M/M/c+M, stable under any load since residents leave.

    The states of the birth and death process are weighed against the state in which all clerks
    are busy and nobody waits: those below weigh 1/B - 1 together, those above are summed until
    they weigh nothing. Weights are scaled down on the way, since under overload they grow.
    """
    _check(rate, service_s, servers)
    if not patience_s > 0.0:
        raise ValueError("patience_s: more than 0")
    if patience_s == inf:
        return erlang_c(rate, service_s, servers)
    drain, leave = servers / service_s, 1.0 / patience_s
    blocked = erlang_b(servers, rate * service_s)
    if blocked < 1e-300:
        use = rate / drain
        return Line(0.0, 0.0, 0.0, use, rate, servers, service_s, patience_s, -inf)
    below = 1.0 / blocked - 1.0
    full, weight, waiting, above, in_line = 1.0, 1.0, 0, 0.0, 0.0
    log_scale = 0.0
    while weight > 1e-18 * (full + above) or rate > drain + waiting * leave:
        waiting += 1
        weight *= rate / (drain + waiting * leave)
        above += weight
        in_line += waiting * weight
        if above > _BIG:
            below, full, weight = below / _BIG, full / _BIG, weight / _BIG
            above, in_line = above / _BIG, in_line / _BIG
            log_scale += log(_BIG)
    everything = below + full + above
    mean_line = in_line / everything
    leaves = leave * mean_line / rate
    return Line(
        waits=(full + above) / everything,
        mean_wait_s=mean_line / rate,
        leaves=leaves,
        use=rate * (1.0 - leaves) / drain,
        _rate=rate,
        _servers=servers,
        _service_s=service_s,
        _patience_s=patience_s,
        _log_full=-log_scale - log(everything),
    )


def _check(rate: float, service_s: float, servers: int) -> None:
    if not 0.0 < rate < inf:
        raise ValueError("rate: more than 0 visits per second")
    if not 0.0 < service_s < inf:
        raise ValueError("service_s: more than 0")
    if servers < 1:
        raise ValueError("servers: at least one")
