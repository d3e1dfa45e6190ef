"""The benchmark programs: building them, running them pinned to a core, collecting their rows."""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from report import results

GOOGLE_QUICK = ("--benchmark_repetitions=3", "--benchmark_min_time=0.002")
ROWS_QUICK = ("--samples=3",)


@dataclass(frozen=True)
class Step:
    """One run of one program, a script where it says so. Rows of several threads are not pinned."""

    program: str
    arguments: tuple = ()
    quick: tuple = ROWS_QUICK
    is_pinned: bool = True
    is_script: bool = False


# What --only chooses from; `limits` always runs, because the rest is held against it.
PARTS = {
    "limits": [Step("limits")],
    "matmul": [
        Step("matmul", quick=(*ROWS_QUICK, "f32 ", "f64 ", "skinny")),
        Step("matmul_static"),
    ],
    "elementwise": [Step("elementwise", quick=GOOGLE_QUICK)],
    "fusion": [Step("fusion", quick=GOOGLE_QUICK)],
    "windows": [Step("windows", quick=GOOGLE_QUICK)],
    "programs": [Step("programs", quick=GOOGLE_QUICK)],
    "memory": [
        Step("memory", ("--benchmark_filter=-threads",), GOOGLE_QUICK),
        Step("memory", ("--benchmark_filter=threads",), GOOGLE_QUICK, is_pinned=False),
    ],
    "compile": [Step("compile_time", quick=("--repeat=1",), is_script=True)],
}


def steps(only):
    """The steps of the parts named, in the order of PARTS; all of them where none is."""
    unknown = set(only) - PARTS.keys()
    if unknown:
        raise ValueError(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    wanted = {"limits", *only} if only else PARTS.keys()
    return [step for part, of_part in PARTS.items() if part in wanted for step in of_part]


# Peers that Debian does not have: given by a folder of headers, AOCL-BLIS by its library.
GIVEN_PEERS = ("eigen5", "blaze", "fastor", "aocl")


def given_peers(arguments):
    """{"eigen5": path, …} from texts such as eigen5=/path."""
    peers = {}
    for argument in arguments:
        name, _, path = argument.partition("=")
        if name not in GIVEN_PEERS or not path:
            raise ValueError(f"no peer: {argument}; for example eigen5=/path; there are {', '.join(GIVEN_PEERS)}")
        if not Path(path).exists():
            raise ValueError(f"{argument}: there is no {path}")
        peers[name] = Path(path).resolve()
    return peers


def build(root, directory, todo, jobs, peers):
    """Configures the preset `bench` with the peers given, and builds the programs of the steps."""
    definitions = [f"-DTENON_PEER_{name.upper()}={peers.get(name, '')}" for name in GIVEN_PEERS]
    subprocess.run(["cmake", "--preset", "bench", "-B", str(directory), *definitions], cwd=root, check=True)
    targets = dict.fromkeys(f"bench_{step.program}" for step in todo if not step.is_script)
    parallel = ["--parallel", str(jobs)] if jobs else []
    subprocess.run(["cmake", "--build", str(directory), *parallel, "--target", *targets], cwd=root, check=True)


def command(step, directory, json_file, core, quick):
    pin = ["taskset", "-c", str(core)] if step.is_pinned else []
    script = Path(__file__).resolve().parent.parent / f"{step.program}.py"
    program = [sys.executable, str(script)] if step.is_script else [str(directory / "bench" / f"bench_{step.program}")]
    return [*pin, *program, *step.arguments, *(step.quick if quick else ()), f"--json={json_file}"]


def measure(step, directory, core, quick):
    """The rows of one step; what the program prints goes to the terminal. CalledProcessError where it fails."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        line = command(step, directory, file.name, core, quick)
        print("\n$", *line, flush=True)
        start = time.monotonic()
        subprocess.run(line, check=True)
        print(f"{time.monotonic() - start:.0f} s")
        return results.rows_of_program(step.program, json.loads(Path(file.name).read_text()))
