"""Who works at the shared desk of a call, and what passes between them?

A party of the call changes the desk by a command, which the exchange carries out and everybody's
state shows; its gestures go straight to those who hear it, and nobody answers for them. What a
change does is `shared_desk.py`; how a gesture reaches a client at another process is `hub.py`.
"""

from media.host.api import Unknown
from scheduling.rows import Conflict, NotFound
from signaling.access import Identity
from signaling.call import Call, Party
from signaling.calls import Calls
from signaling.hub import Hub
from signaling.protocol import ChangeDesk, Gesture, Gestured
from signaling.shared_desk import DeskRefused


class DeskParties:
    """The shared desks of all running calls, as their parties reach them."""

    def __init__(self, calls: Calls, hub: Hub) -> None:
        self._calls, self._hub = calls, hub

    async def change(self, who: Identity, command: ChangeDesk) -> None:
        """Raises NotFound, Conflict, NoHost."""
        found = self._at(who, command.call)
        if found is None:
            raise NotFound("this call is over")
        call, party = found
        try:
            await self._calls.change_desk(call.visit, party, command.change)
        except Unknown as error:
            raise NotFound("this call is over") from error
        except DeskRefused as error:
            raise Conflict(str(error)) from error

    def gesture(self, who: Identity, message: Gesture) -> None:
        """Show it to those who hear this party now; one that nobody may see is dropped."""
        found = self._at(who, message.call)
        if found is None:
            return
        call, party = found
        if call.desk.open != message.made.page:
            return
        table, clients = call.table, self._calls.clients(call.visit)
        seeing = [clients[p] for p in call.paths if p in clients and party in table[p]]
        self._hub.pass_on(seeing, Gestured(party, message.made))

    def _at(self, who: Identity, call_id: str) -> tuple[Call, Party] | None:
        """The call and as whom this client takes part in it; listeners only look."""
        visit = self._calls.visit_of(call_id)
        call = self._calls.call_of(visit) if visit is not None else None
        party = self._calls.party_of(visit, who.id) if visit is not None else None
        if call is None or party is None or call.paths[party].mode != "party":
            return None
        return call, party
