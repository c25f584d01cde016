"""A program that was ended from outside, or that crashed below Python: no exception, only what the system says of it.

Like machine.py, all of it is told of messages that are pasted."""

from __future__ import annotations

import re

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.messages import Groups, n_bytes, wording
from graphlab.i18n import N_

_SIGNALS = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}
_CODES = {0xC0000005: 11, 0xC0000409: 6, 0xC00000FD: 11, 0xC000001D: 4}
"""What Windows gives for the same: access violation, fast fail, stack overflow, illegal instruction."""


def _signal(g: Groups) -> dict[str, object]:
    if name := g.get("name"):
        return {"signal": name}
    number = int(g["number"])
    number = _CODES.get(number % 2**32, number)
    return {"signal": _SIGNALS.get(number - 128 if number > 128 else abs(number), "")}


def _is(signal: str) -> dict[str, object]:
    return {"signal": signal}


wording("ended", r"terminated with signal (?P<name>SIG[A-Z]{2,6})", _signal)
wording("ended", r"died with <Signals\.(?P<name>SIG[A-Z]{2,6}): \d{1,2}>", _signal)
wording("ended", r"[Ss]ignal \d{1,2} \((?P<name>SIG[A-Z]{2,6})\) received by PID", _signal)
wording("ended", r"failed \(exitcode: -(?P<number>\d{1,2})\)", _signal)
wording("ended", r"exit ?code ?: -(?P<number>\d{1,2})\b", _signal)
wording("ended", r"exit(?:ed with)? code (?P<number>1(?:3[2-9]|43)|-1073\d{6})\b", _signal)
wording("ended", r"got signal: (?P<number>\d{1,2})\b", _signal)
wording("ended", r"non-zero (?:exit )?(?:code|status):? (?P<number>1(?:3[2-9]|43))\b", _signal)
wording("ended", r"Out of memory: Kill(?:ed)? process \d{1,9}(?P<rest>.{0,200})", lambda g: _killed(g["rest"]))
wording("ended", r"[Oo][Oo][Mm][-_ ]?kill(?:ed|er)?\b", lambda g: {"signal": "SIGKILL", "by_memory": True})
wording("ended", r"[Ss]egmentation fault", lambda g: _is("SIGSEGV"))
wording("ended", r"Fatal Python error: (?:Segmentation fault|Aborted|Bus error)", lambda g: _is("SIGSEGV"))
wording("ended", r"\b(?:Aborted|Abort trap: 6)(?: \(core dumped\))?\s{0,3}$", lambda g: _is("SIGABRT"))
wording("ended", r"\bBus error(?: \(core dumped\))?\s{0,3}$", lambda g: _is("SIGBUS"))
wording("ended", r"Illegal instruction", lambda g: _is("SIGILL"))
wording("ended", r"(?:zsh: killed|(?<![\w.`'])Killed(?:\s{0,3}$|\s{1,9}python))", lambda g: _is("SIGKILL"))
wording("ended", r"\^C\s{0,3}$", lambda g: _is("SIGINT"))
wording(
    "ended",
    r"(?:[Tt]he )?[Kk]ernel (?:appears to have )?(?:died|crashed)|Kernel Restarting|"
    r"session crashed for an unknown reason",
    lambda g: {"signal": "", "is_notebook": True},
)
wording(
    "ended",
    r"session crashed after using all available RAM",
    lambda g: {"signal": "SIGKILL", "by_memory": True, "is_notebook": True},
)


def _killed(rest: str) -> dict[str, object]:
    """What the kernel of Linux says of a process that it killed."""
    used = re.search(r"anon-rss:(\d{1,15}) ?kB", rest)
    return {"signal": "SIGKILL", "by_memory": True, **({"used": n_bytes(f"{used.group(1)} K")} if used else {})}


@diagnosis(
    "GL880",
    Severity.ERROR,
    kinds=("ended",),
    title=N_("The program was ended from outside"),
    what=N_("The program ended with the signal {signal}, and no error of Python tells the place."),
    why=N_("A process that the system ends has no turn to say why."),
    fix=N_("Print a line before each part of the program, to see which one it doesn't survive."),
    example={"signal": "SIGKILL"},
    program="""raise SystemError("process 0 terminated with signal SIGKILL")
""",
    mended="""print("a smaller batch")
""",
)
def ended(case: Case) -> Found | None:
    """A signal, an exit code, or the word of a shell or a notebook."""
    signal = str(case.facts.get("signal") or "")
    found = Found({"signal": words.code(signal), "used": words.n_bytes(int(case.facts.get("used") or 0))})
    if signal == "SIGKILL":
        found.title = N_("The system killed the program, most likely for want of memory")
        found.what = N_("The program was killed from outside (SIGKILL); most often the computer ran out of memory.")
        if case.facts.get("by_memory"):
            found.title = N_("The system killed the program: the computer ran out of memory")
            found.what = N_("The memory of the computer, not that of the GPU, was full, and this program was chosen.")
        if case.facts.get("used"):
            found.what = N_("The memory of the computer was full, and this program held {used} of it.")
        found.why = N_("When memory runs out, the system kills the process that holds most; Python can't catch that.")
        found.fix = N_(
            "Watch the memory while it runs (`free -h`, the task manager). Load data a part at a time, use fewer "
            "workers and smaller batches, and keep losses with `.item()` instead of the tensors."
        )
    elif signal == "SIGTERM":
        found.title = N_("The program was asked to end")
        found.what = N_("The program got SIGTERM, which another program sends to end it.")
        found.why = N_("Batch systems send it at the end of the time they grant, and `torchrun` to all when one fails.")
        found.fix = N_("Look further up for a rank that failed first, and into the log of the batch system.")
    elif signal == "SIGINT":
        found.title = N_("The program was interrupted at the keyboard")
        found.what = N_("Ctrl+C was pressed, which ends the program.")
        found.why = N_("Nothing is wrong with the program because of it.")
        found.fix = N_("Start it again when you want to.")
    elif signal == "SIGBUS":
        found.title = N_("The program ended with a bus error")
        found.what = N_("The program read memory that isn't there: a bus error.")
        found.why = N_(
            "With data loaders it is most often the shared memory (`/dev/shm`), of which containers give 64 MiB."
        )
        found.fix = N_("Start the container with `--shm-size=8g` or `--ipc=host`, or set `num_workers=0`.")
    elif signal == "SIGILL":
        found.title = N_("The processor doesn't know an instruction")
        found.what = N_("A compiled library used an instruction that this processor doesn't have.")
        found.why = N_("Packages are built for processors of some age on; older ones lack AVX or AVX2.")
        found.fix = N_("Install a version that was built for this processor, an older one for instance.")
    elif signal in ("SIGSEGV", "SIGABRT", "SIGFPE"):
        found.title = N_("The program crashed in compiled code")
        found.what = N_("A part that is not Python broke down ({signal}); what it computed isn't told.")
        found.why = N_("It is most often two packages that don't fit together, or too deep a recursion.")
        found.fix = N_(
            "Run it with `python -X faulthandler`, which prints the line of Python; set `num_workers=0`; and install "
            "PyTorch and the package of that line again."
        )
    elif case.facts.get("is_notebook"):
        found.title = N_("The notebook's Python ended")
        found.what = N_("The process behind the notebook is gone; what ended it isn't told.")
        found.why = N_("Most often the memory ran out, or two packages with compiled parts don't fit together.")
        found.fix = N_("Run the same as a program, `python file.py`, in a terminal: there the last words can be read.")
    if case.facts.get("is_notebook") and signal == "SIGKILL":
        found.fix = N_("Restart it, load less data at a time, and delete what isn't needed with `del`.")
    return found
