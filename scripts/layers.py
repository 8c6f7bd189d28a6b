#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold the layers apart.

usage: layers.py [LIBBATON_CORE.A]

Sources: a file in src includes files of its own module and of lower layers only, and no
includes run in a circle. Library (of a release build): L0-L5 call nothing that talks to
the system, and have no variable that could change.
"""
import os
import re
import subprocess
import sys

LAYERS = [["base"], ["sip", "sdp", "mime", "isdn", "uui", "csta"],
          ["route", "txn", "access", "auth", "history", "seal"], ["dialog", "border"],
          ["peers", "registrar", "proxy", "rules", "call", "cti", "event",
           "phone"],
          ["engine"], ["net", "store", "capture", "lint"], ["feed"], ["api"], ["server", "client"], ["cli"]]
# Neighbours on one layer that may know each other, one way only.
SIBLINGS = {
    ("auth", "access"),     # an application has scopes, as the owner of a token has
    ("txn", "route"),       # a request goes to the servers of its target
    ("uui", "sip"),         # the header's values are found in an indexed message
    ("peers", "registrar"), # what a peer says that it can do is read as a phone's is
    ("isdn", "sip"),        # ISUP and GTD lie in bodies of messages …
    ("isdn", "mime"),       # … often as one part of several
    ("isdn", "uui"),        # and say the same as a value of the header
    ("call", "peers"),      # a call goes to a peer that is up and has room
    ("proxy", "peers"),     # and so does a call that is only passed on
    ("call", "registrar"),  # a call goes to the bindings of a device
    ("cti", "call"),        # a session commands and watches calls
    ("cti", "registrar"),   # and asks what a device can do
    ("cti", "peers"),       # and what a peer does
    ("cti", "rules"),       # and what a number is in the world
    ("cti", "event"),       # and switches the indicator of its mailbox
    ("event", "call"),      # who watches a device is told of its calls
    ("phone", "call"),      # what a phone tells of calls is told as calls are
    ("phone", "registrar"), # phones are called over the flows on which they registered
    ("phone", "peers"),     # or through the PBX on which their line lives
    ("phone", "cti"),       # a driver that carries out what cti is asked for
    ("phone", "event"),     # the message lamp is one, whoever switches it
    ("event", "registrar"), # and of its bindings; a lost watcher is sought there
}
RANK = {module: rank for rank, group in enumerate(LAYERS) for module in group}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)

# Exact names, or beginnings that end with "*". The checked variants of the C library
# (__printf_chk) count as what they check.
FORBIDDEN = """
socket* bind listen accept accept4 connect send sendto sendmsg sendmmsg recv recvfrom recvmsg
recvmmsg shutdown setsockopt getsockopt getsockname getpeername getaddrinfo gethostby*
getnameinfo poll ppoll select pselect epoll_* eventfd pipe pipe2 ioctl fcntl
open open64 openat creat close read pread* readv write pwrite* writev lseek* stat stat64 statx fstat fstat64 fstatat* lstat lstat64
unlink rename mkdir opendir readdir mmap* munmap mprotect fork vfork exec* system popen waitpid
kill raise signal sigaction getpid sleep usleep nanosleep
malloc calloc realloc reallocarray free posix_memalign aligned_alloc memalign strdup strndup
asprintf vasprintf getline getdelim open_memstream
time clock clock_* gettimeofday ftime localtime* gmtime mktime ctime* asctime
rand rand_r srand random srandom drand48 lrand48 getrandom getentropy arc4random* RAND_*
pthread_* thrd_* mtx_* cnd_* sem_*
printf vprintf dprintf vdprintf fprintf vfprintf puts fputs putchar fputc putc fopen* fclose
fread fwrite fflush perror syslog vsyslog openlog getenv secure_getenv setenv
uv_* exit _exit quick_exit atexit setlocale strtok alloca sprintf vsprintf
strcpy strcat gets atoi setjmp _setjmp longjmp
""".split()
EXACT = {name for name in FORBIDDEN if not name.endswith("*")}
BEGIN = tuple(name[:-1] for name in FORBIDDEN if name.endswith("*"))
# The one object that may name malloc and free: it implements mem_libc.
MEM_OBJECT = "base_mem.c.o"
MEM_NAMES = {"malloc", "free"}


def sources(root):
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(folder, name), root)


def read_includes(root):
    includes = {}
    for path in sorted(sources(root)):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            found = INCLUDE.findall(file.read())
        own = os.path.dirname(path)
        includes[path] = [name if "/" in name else own + "/" + name for name in found]
    return includes


def check_includes(includes):
    bad = []
    for path, names in includes.items():
        module = path.split("/")[0]
        if module not in RANK:
            bad.append(f"src/{path}: module {module} has no layer in scripts/layers.py")
            continue
        for name in names:
            other = name.split("/")[0]
            if other == "baton" or other == module or (module, other) in SIBLINGS:
                continue
            if RANK.get(other, len(LAYERS)) >= RANK[module]:
                bad.append(f"src/{path}: includes {name}, which is not below {module}")
    return bad


def find_cycles(includes):
    bad, done = [], set()

    def visit(path, trail):
        if path in trail:
            bad.append("includes in a circle: " + " -> ".join(trail[trail.index(path):] + [path]))
        elif path not in done:
            for name in includes.get(path, []):
                visit(name, trail + [path])
            done.add(path)

    for path in includes:
        visit(path, [])
    return bad


def check_symbols(library):
    bad, member = [], "?"
    out = subprocess.run(["nm", "-f", "sysv", library], check=True, capture_output=True,
                         text=True).stdout
    for line in out.splitlines():
        match = re.match(r"(?:Undefined s|S)ymbols from .*?([^/\[\]]+?)\]?:$", line)
        if match:
            member = match.group(1)
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 7:
            continue
        name, kind, section = fields[0].split("@")[0], fields[2], fields[6]
        plain = re.sub(r"^__(?:isoc99_)?(\w+?)_chk$", r"\1", name)
        if kind in "Uw" and (plain in EXACT or plain.startswith(BEGIN)):
            if member != MEM_OBJECT or plain not in MEM_NAMES:
                bad.append(f"{member}: calls {name}, which L0-L5 may not")
        # .data.rel.ro is constant once the program is loaded
        if kind in "DdBbCGgSs" and not section.startswith(".data.rel.ro") \
                and not name.startswith(("__", ".L")):
            bad.append(f"{member}: {name} can be written (section {section})")
    return bad


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src")
    includes = read_includes(root)
    bad = check_includes(includes) + find_cycles(includes)
    for library in sys.argv[1:]:
        bad += check_symbols(library)
    print("\n".join(bad) if bad else f"layers: {len(includes)} files, {len(sys.argv) - 1} library")
    return 1 if bad else 0


sys.exit(main())
