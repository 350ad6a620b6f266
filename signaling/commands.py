"""What does each command do, and who may give it? The table between protocol and switchboard."""

from scheduling.catalogue import UnknownMatter
from scheduling.rows import Conflict, NotFound
from scheduling.rules import Priority
from signaling import protocol
from signaling.access import Identity, Role
from signaling.accounts import Accounts, Kiosk
from signaling.desk_parties import DeskParties
from signaling.exchange import NoHost
from signaling.guesses import TooManyGuesses
from signaling.ledger import Entry, Ledger, Repeated
from signaling.passing import Passing
from signaling.patience import patiently
from signaling.protocol import Done, Refused
from signaling.switchboard import BadAnswer, Switchboard

KIOSK = frozenset({Role.KIOSK})
CLERK = frozenset({Role.CLERK, Role.SUPERVISOR})  # who has a window
PARTIES = KIOSK | CLERK

MAY: dict[type[protocol.Command], frozenset[Role]] = {
    protocol.TakeTicket: KIOSK,
    protocol.CheckIn: KIOSK,
    protocol.LeaveLine: KIOSK,
    protocol.SetStays: KIOSK,
    protocol.ComeBackLater: KIOSK,
    protocol.ComeBack: KIOSK,
    protocol.Rate: KIOSK,
    protocol.Wipe: KIOSK,
    protocol.SetWindow: CLERK,
    protocol.Accept: CLERK,
    protocol.Decline: CLERK,
    protocol.Pull: CLERK,
    protocol.CallBack: CLERK,
    protocol.Transfer: CLERK,
    protocol.AskConsult: CLERK,
    protocol.SetThreeWay: CLERK,
    protocol.EndConsult: CLERK,
    protocol.HandOver: CLERK,
    protocol.KeepCase: CLERK,
    protocol.SetAside: CLERK,
    protocol.CloseVisit: CLERK,
    protocol.EndCall: PARTIES,
    protocol.Connect: PARTIES,
    protocol.Answer: PARTIES,
    protocol.Playing: PARTIES,
    protocol.SetRecording: CLERK,
    protocol.SetSharing: PARTIES,
    protocol.ReportQuality: PARTIES,
    protocol.ChangeDesk: PARTIES,
}
# What is not worth a line in the audit log: it changes no record.
_UNLOGGED = (
    protocol.KeepCase,
    protocol.Connect,
    protocol.Answer,
    protocol.Playing,
    protocol.SetSharing,
    protocol.ReportQuality,
)
# Given often, and harmless if done twice.
_UNKEPT = (protocol.ReportQuality, protocol.ChangeDesk)


class Commands:
    """Carries out commands, each once, however often and wherever it is given."""

    def __init__(
        self,
        switchboard: Switchboard,
        passing: Passing,
        desks: DeskParties,
        accounts: Accounts,
        ledger: Ledger,
    ) -> None:
        self._switchboard, self._passing, self._desks = switchboard, passing, desks
        self._accounts, self._ledger = accounts, ledger

    async def carry_out(self, who: Identity, command: protocol.ClientCommand) -> Done | Refused:
        """Check the role, do it, log it; the answer to send, the same for one given again.

        Raises SQLAlchemyError, OSError where the database does not answer for too long; whether it
        was done is then known at the next try.
        """
        if who.role not in MAY[type(command)]:
            return Refused(command.id, "forbidden", f"a {who.role} may not do this")
        if isinstance(command, _UNKEPT):
            return await self._try(who, command) or Done(command.id)
        return await patiently(lambda: self._once(who, command))

    async def _once(self, who: Identity, command: protocol.ClientCommand) -> Done | Refused:
        known = await self._ledger.answer(who.id, command.id)
        if known is not None:
            return known
        logged = not isinstance(command, _UNLOGGED)
        entry = Entry(
            who,
            command.id,
            str(type(command).__struct_config__.tag) if logged else "",
            getattr(command, "visit", "") or who.id,
            Done(command.id),
        )
        try:
            async with self._ledger.under_way(entry):
                refused = await self._try(who, command)
            if refused is None and entry.is_written:
                return entry.answer
            if refused is not None:
                entry.action, entry.answer = "", refused
            await self._ledger.keep(entry)
        except Repeated:  # somebody was first, perhaps this very try: their answer counts
            return await self._ledger.answer(who.id, command.id) or entry.answer
        return entry.answer

    async def _try(self, who: Identity, command: protocol.ClientCommand) -> Refused | None:
        """Do it; why not, if it cannot be done."""
        try:
            await self._work(who, command)
        except UnknownMatter as error:
            return Refused(command.id, "bad_value", f"matter: {error}")
        except NotFound as error:
            return Refused(command.id, "not_found", str(error))
        except Conflict as error:
            return Refused(command.id, "conflict", str(error))
        except BadAnswer as error:
            return Refused(command.id, "bad_answer", str(error))
        except NoHost as error:
            return Refused(command.id, "no_media", str(error))
        except TooManyGuesses as error:
            return Refused(command.id, "too_fast", str(error))
        except ValueError as error:
            return Refused(command.id, "bad_value", str(error))
        return None

    async def _work(self, who: Identity, command: protocol.ClientCommand) -> None:
        board = self._switchboard
        match command:
            case protocol.TakeTicket():
                await self._take_ticket(who, command)
            case protocol.CheckIn():
                kiosk = await self._kiosk(who)
                await board.check_in(
                    who,
                    kiosk.site,
                    command.code,
                    language=command.language,
                    notice=command.notice_version,
                    wish=command.wish,
                )
            case protocol.LeaveLine():
                await board.leave_line(who, command.visit)
            case protocol.SetStays():
                await board.set_stays(who, command.visit, stays=command.stays)
            case protocol.ComeBackLater():
                await board.come_back_later(who, command.visit, command.contact)
            case protocol.ComeBack():
                kiosk = await self._kiosk(who)
                await board.come_back(who, kiosk.site, command.ticket, command.code)
            case protocol.Rate():
                await board.rate(who, command.visit, command.rating, command.reasons)
            case protocol.Wipe():
                await board.wipe(who, command.visit)
            case protocol.SetWindow():
                await board.set_window(who, command.step)
            case protocol.Accept():
                await board.accept(who, command.visit)
            case protocol.Decline():
                await board.decline(who, command.visit, command.reason)
            case protocol.Pull():
                await board.pull(who, command.visit)
            case protocol.CallBack():
                await board.call_back(who, command.visit)
            case protocol.Transfer():
                await self._passing.transfer(who, command)
            case protocol.AskConsult():
                await self._passing.ask(who, command)
            case protocol.SetThreeWay():
                await self._passing.set_three_way(who, command)
            case protocol.EndConsult():
                await self._passing.end(who, command.visit)
            case protocol.HandOver():
                await self._passing.hand_over(who, command)
            case protocol.SetAside():
                await board.set_aside(who, command.visit, ready=command.ready)
            case protocol.KeepCase():
                await board.keep_case(who, command.visit, command.notes, command.checked)
            case protocol.CloseVisit():
                await board.close_visit(
                    who,
                    command.visit,
                    command.outcome,
                    ready=command.ready,
                    answer=command.answer,
                )
            case protocol.EndCall():
                await board.end_call(who, command.visit)
            case protocol.Connect():
                await board.connect(who, command.call)
            case protocol.Answer():
                await board.answer(who, command.connection, command.sdp)
            case protocol.Playing():
                await board.playing(who, command.call)
            case protocol.SetRecording():
                await board.set_recording(who, command.visit, running=command.running)
            case protocol.SetSharing():
                await board.set_sharing(who, command.call, sharing=command.sharing)
            case protocol.ReportQuality():
                await board.report_quality(who, command.call, command.received, command.sent)
            case protocol.ChangeDesk():
                await self._desks.change(who, command)

    async def _take_ticket(self, who: Identity, command: protocol.TakeTicket) -> None:
        kiosk = await self._kiosk(who)
        earlier = (command.earlier_ticket, command.earlier_code)
        await self._switchboard.take_ticket(
            who,
            kiosk.site,
            city=command.city,
            matter=command.matter,
            language=command.language,
            notice=command.notice_version,
            priority=Priority(command.priority),
            wish=command.wish,
            earlier=earlier if all(earlier) else None,
        )

    async def _kiosk(self, who: Identity) -> Kiosk:
        kiosk = await self._accounts.kiosk(who.id)
        if kiosk is None:
            raise NotFound("this kiosk is not enrolled")
        return kiosk
