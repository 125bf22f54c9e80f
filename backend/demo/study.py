"""The work of a demo learner in each session: chapters, questions, status and weak marks. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from backend.chapters.models import Chapter, OwnProgress
from backend.demo.learners import InventedStudent
from backend.progress.models import ProgressChange

REVISION_CHANCE = 0.14
BEYOND_CHANCE = 0.03  # chapters on which somebody solves more than past papers asked
CLEARED_CHANCE = 0.5
PUT_ASIDE, PUT_ASIDE_HARD = 0.08, 0.3
HARD_FROM = 0.62
MOST_SUBJECTS = 3
FEWEST_QUESTIONS = 4  # below this nobody opens another subject


@dataclass
class _Work:
    """A chapter on a learner's desk: the goal, and the progress so far."""

    chapter: Chapter
    goal: int
    is_hard_for_her: bool
    own: OwnProgress = field(default_factory=OwnProgress)


@dataclass
class Desk:
    """The chapters of one learner: a queue in each subject, and those completed."""

    own: Random
    queues: dict[str, list[_Work]]
    done: list[_Work] = field(default_factory=list)

    def session(self, questions: int) -> dict[str, ProgressChange]:
        """Changes by chapter id of a session with so many questions; empty where nothing is left to do."""
        before = {work.chapter.id: work.own for work in self._everything()}
        if self.done and self.own.random() < REVISION_CHANCE:
            questions -= self._revise(questions // 3)
        subjects = self._subjects(questions)
        for index, subject in enumerate(subjects):
            share = questions // (len(subjects) - index)
            questions -= share
            self._solve(subject, share)
        return {
            work.chapter.id: _change(before[work.chapter.id], work.own)
            for work in self._everything()
            if work.own != before[work.chapter.id]
        }

    def _everything(self) -> list[_Work]:
        return [*self.done, *(work for queue in self.queues.values() for work in queue)]

    def _subjects(self, questions: int) -> list[str]:
        open_subjects = [subject for subject, queue in self.queues.items() if queue]
        most = min(len(open_subjects), MOST_SUBJECTS, max(1, questions // FEWEST_QUESTIONS))
        return self.own.sample(open_subjects, self.own.randint(1, most)) if open_subjects else []

    def _solve(self, subject: str, questions: int) -> None:
        queue = self.queues[subject]
        while questions > 0 and queue:
            work = queue[0]
            solved = min(questions, work.goal - work.own.question_solved)
            questions -= solved
            total = work.own.question_solved + solved
            if total < work.goal:
                is_weak = work.own.is_weak_chapter or work.is_hard_for_her
                work.own = OwnProgress(status="In Progress", question_solved=total, is_weak_chapter=is_weak)
                self._perhaps_put_aside(queue)
                return
            is_weak = work.is_hard_for_her and self.own.random() > CLEARED_CHANCE
            work.own = OwnProgress(status="Completed", question_solved=total, is_weak_chapter=is_weak)
            self.done.append(queue.pop(0))

    def _perhaps_put_aside(self, queue: list[_Work]) -> None:
        """Now and then a chapter is left half done for the next ones, most of all one that is hard."""
        chance = PUT_ASIDE_HARD if queue[0].is_hard_for_her else PUT_ASIDE
        if self.own.random() < chance:
            queue.insert(min(len(queue) - 1, self.own.randint(2, 6)), queue.pop(0))

    def _revise(self, questions: int) -> int:
        work = self.own.choice(self.done)
        solved = min(questions, work.chapter.question_total - work.own.question_solved)
        if solved <= 0:
            return 0
        total = work.own.question_solved + solved
        work.own = OwnProgress(status="Completed", question_solved=total, is_weak_chapter=work.own.is_weak_chapter)
        return solved


def desk(own: Random, learner: InventedStudent, classes: Sequence[str], syllabus: Sequence[Chapter], seed: int) -> Desk:
    """Return a learner's desk on their first day: their classes' chapters in syllabus order, with a few put off."""
    queues: dict[str, list[_Work]] = {}
    for subject in dict.fromkeys(chapter.subject for chapter in syllabus):
        ability = own.uniform(0.6, 1.4)
        chapters = [
            chapter
            for class_ in classes
            for chapter in syllabus
            if (chapter.subject, chapter.class_) == (subject, class_)
        ]
        late = {
            chapter.id: index + (own.uniform(2, 9) if own.random() < 0.15 else 0)  # noqa: PLR2004 (a share of people)
            for index, chapter in enumerate(chapters)
        }
        chapters.sort(key=lambda chapter: late[chapter.id])
        queues[subject] = [_work(own, chapter, ability, seed) for chapter in chapters]
    return Desk(own, queues)


def _work(own: Random, chapter: Chapter, ability: float, seed: int) -> _Work:
    # A chapter is as hard for everybody, so that a class has weak chapters in common.
    hardness = Random(f"{seed}/{chapter.subject}/{chapter.chapter}").random()  # noqa: S311 (invented, not secret)
    weak_chance = 0.07 + max(0.0, hardness - HARD_FROM) * 2.6 * (1.6 - ability)
    thorough = own.uniform(0.45, 0.9) if own.random() < 0.6 else own.uniform(0.9, 1.0)  # noqa: PLR2004 (a share of people)
    if own.random() < BEYOND_CHANCE:
        thorough = own.uniform(1.05, 1.2)
    goal = max(1, round(chapter.question_total * thorough))
    return _Work(chapter, goal, is_hard_for_her=own.random() < weak_chance)


def _change(before: OwnProgress, after: OwnProgress) -> ProgressChange:
    """Return the change that the learner would save: only the fields that differ."""
    return ProgressChange(
        status=after.status if after.status != before.status else None,
        question_solved=after.question_solved if after.question_solved != before.question_solved else None,
        is_weak_chapter=after.is_weak_chapter if after.is_weak_chapter != before.is_weak_chapter else None,
    )
