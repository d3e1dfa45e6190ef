"""Where and with what was measured."""

import os
import platform
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path

# The Debian packages that bring what is measured with or against.
LIBRARY_PACKAGES = ["libc6", "libboost-dev", "libxsimd-dev", "libbenchmark-dev"]
PEER_PACKAGES = {
    "eigen": "libeigen3-dev",
    "openblas": "libopenblas-dev",
    "blis": "libblis-dev",
    "onednn": "libdnnl-dev",
    "libxsmm": "libxsmm-dev",
    "xtensor": "libxtensor-dev",
    "armadillo": "libarmadillo-dev",
    "boost_pool": "libboost-dev",
    "glibc": "libc6",
    "mimalloc": "libmimalloc2.0",
    "jemalloc": "libjemalloc2",
    "tcmalloc": "libtcmalloc-minimal4",
}


def read(path):
    """The stripped text of a file; None where it cannot be read."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


def output(*command, cwd=None):
    """What a command prints, stripped; None where it fails or is not installed."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def package_version(package):
    return output("dpkg-query", "--show", "--showformat=${Version}", package) or "unknown"


def processor():
    found = re.search(r"^model name\s*:\s*(.+)$", read("/proc/cpuinfo") or "", re.MULTILINE)
    return found[1] if found else platform.machine()


def caches():
    """Sizes of the first processor's data caches in bytes, by level: {"L1": 32768, …}."""
    sizes = {}
    units = {"K": 1 << 10, "M": 1 << 20}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if read(index / "type") == "Instruction":
            continue
        size = read(index / "size") or "0K"
        sizes["L" + (read(index / "level") or "?")] = int(size[:-1]) * units[size[-1]]
    return sizes


def cache_entries(build):
    """The variables of a CMake build directory."""
    text = read(Path(build) / "CMakeCache.txt") or ""
    return dict(re.findall(r"^([^#/\n][^:\n]*):[A-Z]+=(.*)$", text, re.MULTILINE))


def compiler(build):
    """The compiler of a build directory and the flags that matter to speed."""
    entries = cache_entries(build)
    program = entries.get("CMAKE_CXX_COMPILER", "c++")
    kind = entries.get("CMAKE_BUILD_TYPE", "")
    flags = [entries.get("CMAKE_CXX_FLAGS", ""), entries.get(f"CMAKE_CXX_FLAGS_{kind.upper()}", "")]
    return {
        "compiler": (output(program, "--version") or program).splitlines()[0],
        "flags": " ".join(flag for flag in flags if flag),
        "instruction set": entries.get("TENON_ISA", ""),
    }


def describe(build, core):
    governor = read(f"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor")
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "caches": caches(),
        "governor": governor or "not readable",
        "huge pages": read("/sys/kernel/mm/transparent_hugepage/enabled") or "not readable",
        "system": f"{platform.system()} {platform.release()}",
        "load at the start": os.getloadavg()[0],
        "core": core,
        **compiler(build),
        "libraries": {package: package_version(package) for package in LIBRARY_PACKAGES},
    }


def describe_run(root, options):
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": output("git", "describe", "--always", "--dirty", "--abbrev=12", cwd=root) or "unknown",
        **options,
    }


def peer_versions(rows, given):
    """Versions of the peers in the rows: of their Debian packages, of the folders given for others."""
    present = {who for row in rows for who in row.contenders}
    versions = {who: package_version(package) for who, package in PEER_PACKAGES.items() if who in present}
    for who, path in given.items():
        if who in present:
            folder = path if path.is_dir() else path.parent
            versions[who] = output("git", "describe", "--always", "--tags", cwd=folder) or path.name
    return versions
