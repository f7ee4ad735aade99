"""What Linux tells of this machine and its processes.  Elsewhere figures are NaN, and a process runs on any core."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from pathlib import Path

NAN = float("nan")
LINUX = sys.platform == "linux"


def cores() -> list[int]:
    """The cores that this process may run on, in ascending order."""
    return sorted(os.sched_getaffinity(0)) if LINUX else list(range(os.cpu_count() or 1))


def pin(*chosen: int) -> None:
    """Keep the calling thread, and the processes that it starts from now on, to these cores."""
    if LINUX:
        os.sched_setaffinity(0, chosen)


def process_cpu_s(pid: int) -> float:
    """CPU time of all threads of a process so far, user and kernel, to the microsecond."""
    # clock_getcpuclockid(3), which Python does not offer: Linux makes the id of the process's like this.
    return time.clock_gettime((~pid << 3) | 2) if LINUX else NAN


def resident_bytes(pid: int) -> float:
    """Physical memory of a process (proc_pid_statm(5))."""
    if not LINUX:
        return NAN
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def core_busy_s(core: int) -> float:
    """CPU time that a core has spent on anything so far, with what the hypervisor took of it (proc_stat(5))."""
    if not LINUX:
        return NAN
    (line,) = re.findall(rf"^cpu{core} (.*)$", Path("/proc/stat").read_text(), re.M)
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def description() -> str:
    """Model of the CPU, cores that may be used, how busy they are, Python."""
    load = f"load {os.getloadavg()[0]:.1f}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return ", ".join((_cpu_model(), f"{len(cores())} cores", load, python, platform.system()))


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    model = re.search(r"^model name\s*: (.*)$", info.read_text(), re.M) if info.exists() else None
    return model[1] if model else platform.processor() or platform.machine()


def shown(value: float) -> str:
    """A figure as tables have it; a dash for one that is not told."""
    if value != value:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
