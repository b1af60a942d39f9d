"""One question being worked on, attempt by attempt: gathers evidence, answers, concludes.

What happens next follows from the trajectory alone, and every change of it is an event that is
yielded before the next one: so a run that was killed goes on where its last event left it.
"""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.answering import Answering
from edge_agent.attempts import elected, retry_summary, web_summary
from edge_agent.events import AttemptFinished, AttemptStarted, Event, RunFinished, Status
from edge_agent.gathering import Gathering
from edge_agent.models import ModelError
from edge_agent.reasons import MODEL_ERROR
from edge_agent.runtime import Resources, Runtime, Steps
from edge_agent.trajectory import Trajectory


class Loop:
    """Carries a trajectory on to its end."""

    def __init__(self, resources: Resources, trajectory: Trajectory) -> None:
        """Go on from where `trajectory` stands."""
        self._runtime = Runtime(resources, trajectory)
        self._gathering = Gathering(self._runtime)
        self._answering = Answering(self._runtime)

    def events(self) -> Iterator[Event]:
        """Yield what happens until the run has finished."""
        stages = {
            "gathering": self._gathering.events,
            "reading": self._answer,
            "attempted": self._conclude,
        }
        trajectory = self._runtime.trajectory
        while trajectory.phase != "finished":
            yield from stages[trajectory.phase]()

    def _answer(self) -> Steps[None]:
        """Answer from what was found; a model that failed before it found anything ends it all."""
        trajectory = self._runtime.trajectory
        if trajectory.reason.startswith(MODEL_ERROR) and not trajectory.evidence:
            yield self._runtime.emit(self._failed(trajectory.reason))
            return
        try:
            yield from self._answering.events()
        except ModelError as error:
            yield self._runtime.emit(self._failed(str(error)))

    def _failed(self, reason: str) -> RunFinished:
        """Return how a run ends whose model failed: with what an attempt before it has answered."""
        outcomes = self._runtime.trajectory.outcomes
        if all(outcome.answer is None for outcome in outcomes):
            return self._finished("failed", None, reason)
        reason = reason.removeprefix(f"{MODEL_ERROR}: ")
        return self._finished("partial", elected(outcomes), f"{MODEL_ERROR}: {reason}")

    def _conclude(self) -> Steps[None]:
        """Begin another attempt where one is wanted and can be afforded, or finish the run.

        The libraries come first: the web is searched when no attempt over them has found an answer.
        """
        trajectory, profile = self._runtime.trajectory, self._runtime.profile
        started, last = trajectory.started, trajectory.outcomes[-1]
        chosen = elected(trajectory.outcomes) if started.vote else last
        following = trajectory.attempt + 1
        more = following <= started.attempts and not trajectory.web
        event: Event = self._finished(chosen.status, chosen, chosen.reason)
        if more and (started.vote or last.answer is None):
            summary = "" if started.vote else retry_summary(trajectory, profile)
            event = AttemptStarted(following, summary)
        elif chosen.answer is None and self._runtime.may_go_further:
            event = AttemptStarted(following, web_summary(trajectory, profile), web=True)
        stopped = self._runtime.stopped()
        if stopped is not None and isinstance(event, AttemptStarted):
            status: Status = chosen.status if chosen.answer is None else "partial"
            event = self._finished(status, chosen, stopped)
        yield self._runtime.emit(event)

    def _finished(
        self, status: Status, outcome: AttemptFinished | None, reason: str
    ) -> RunFinished:
        trajectory = self._runtime.trajectory
        return RunFinished(
            run=trajectory.started.run,
            status=status,
            answer=outcome.answer if outcome else None,
            citations=outcome.citations if outcome else (),
            calls=len(trajectory.all_calls),
            seconds=round(self._runtime.seconds, 3),
            tokens=self._runtime.tokens,
            reason=reason,
            claims=outcome.claims if outcome else (),
            web=trajectory.web,
        )
