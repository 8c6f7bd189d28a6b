#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Install the library into a folder of the build, and use it from there.

usage: test_library.py MESON PKG-CONFIG BUILD SOURCE PREFIX VERSION -fsanitize=WHAT CC...

The examples are compiled with what pkg-config says, against the shared and the static library,
and run. The shared ones must have their sonames and export the functions of their header and no
other symbol; the static one must not clash with a program that has functions of the same
names as ours.
"""
import os
import re
import shutil
import subprocess
import sys

MESON, PKG_CONFIG, BUILD, SOURCE, PREFIX, VERSION, SANITIZE, *CC = sys.argv[1:]
ROOT = os.path.join(BUILD, "tests", "library", "root")
AT = ROOT + PREFIX
RUNS = [
    ("decode", "0448;encoding=hex, 7B;purpose=p", 0, "valid, IA5 characters: 04 48"),
    ("encode", "Hi", 0, "User-to-User: 044869;encoding=hex;purpose=isdn-uui\n"
                        "Refer-To: <sip:agent@example.com?User-to-User="
                        "044869%3Bencoding%3Dhex%3Bpurpose%3Disdn-uui>"),
    ("refer_to", "<sip:a@x?User-to-User=0448%3Bencoding%3Dhex>", 0,
     "User-to-User: 0448;encoding=hex"),
    ("refer_to", "<sip:a@x?User-to-User=044%3Bencoding%3Dhex>", 1, ""),
]
CLASH = """
#include <baton/uui.h>
int str_find(void), uui_parse(void), arena_alloc(void);
int str_find(void) { return 1; }
int uui_parse(void) { return 2; }
int arena_alloc(void) { return 3; }
int main(void)
{
    unsigned char octets[8];
    struct baton_uui_value v;
    return baton_uui_parse("0448", 4, octets, 8, &v) != 0 || v.octets_len != 2 ||
           str_find() + uui_parse() + arena_alloc() != 6;
}
"""


def run(command, **kwargs):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **kwargs)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}")
    return done.stdout


def install():
    shutil.rmtree(ROOT, ignore_errors=True)
    run([MESON, "install", "-C", BUILD, "--no-rebuild", "--quiet", "--tags", "uui,client,devel",
         "--destdir", ROOT])


def library_folder():
    for folder, _, names in os.walk(AT):
        if "libbaton-uui.so" in names:
            return folder
    sys.exit("libbaton-uui.so is not installed")


def flags(folder, *what, library="baton-uui"):
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(folder, "pkgconfig"))
    return run([PKG_CONFIG, f"--define-variable=prefix={AT}", *what, library], env=env).split()


def compile_with(source, out, compile_flags, link_flags):
    extra = [] if SANITIZE == "-fsanitize=none" else [SANITIZE]
    run([*CC, "-std=c11", "-Wall", "-Wextra", "-Werror", *extra, *compile_flags, source, "-o", out,
         *link_flags])


def check_examples(folder):
    shared = flags(folder, "--libs")
    if "-lbaton-uui" not in shared:
        sys.exit(f"pkg-config --libs says {shared}")
    static = [word for flag in flags(folder, "--static", "--libs")
              for word in (["-Wl,-Bstatic", flag, "-Wl,-Bdynamic"] if flag == "-lbaton-uui"
                           else [flag])]
    cflags = flags(folder, "--cflags")
    for kind, libs in ("shared", shared), ("static", static):
        for name, argument, code, text in RUNS:
            out = os.path.join(ROOT, f"{name}-{kind}")
            compile_with(os.path.join(SOURCE, "examples", "uui", name + ".c"), out, cflags, libs)
            env = dict(os.environ)
            env.pop("LD_LIBRARY_PATH", None)
            if kind == "shared":
                env["LD_LIBRARY_PATH"] = folder
            done = subprocess.run([out, argument], env=env, capture_output=True, text=True)
            if done.returncode != code or text not in done.stdout:
                sys.exit(f"{out} {argument}: {done.returncode}\n{done.stdout}{done.stderr}")
    clash = os.path.join(ROOT, "clash.c")
    with open(clash, "w", encoding="utf-8") as file:
        file.write(CLASH)
    compile_with(clash, clash[:-2], cflags, static)
    run([clash[:-2]])


def check_client(folder):
    """libbaton-client with what pkg-config says of it, shared and static; it wants a server to talk to."""
    for kind in "shared", "static":
        words = flags(folder, *(["--static"] if kind == "static" else []), "--libs", library="baton-client")
        libs = [w for f in words for w in (["-Wl,-Bstatic", f, "-Wl,-Bdynamic"]
                                           if kind == "static" and f == "-lbaton-client" else [f])]
        out = os.path.join(ROOT, "wallboard-" + kind)
        compile_with(os.path.join(SOURCE, "examples", "client", "wallboard.c"), out,
                     flags(folder, "--cflags", library="baton-client"), libs)
        env = {**os.environ, "BATON_URL": "ftp://x", "LD_LIBRARY_PATH": folder if kind == "shared" else ""}
        done = subprocess.run([out], env=env, capture_output=True, text=True)
        if done.returncode != 1 or "it ends" not in done.stderr:
            sys.exit(f"{out}: {done.returncode}\n{done.stdout}{done.stderr}")


def check_symbols(folder, name, export):
    with open(os.path.join(AT, "include", "baton", name + ".h"), encoding="utf-8") as file:
        promised = set(re.findall(export + r"[^;(]*?\b(baton_\w+)\s*\(", file.read()))
    library = os.path.join(folder, f"libbaton-{name}.so")
    names = run(["nm", "-D", "--defined-only", library])
    exported = {line.split()[-1].split("@")[0] for line in names.splitlines()}
    exported = {symbol for symbol in exported if not symbol.startswith(("__asan", "__odr_asan", "__ubsan"))}
    if exported != promised or not promised:
        sys.exit(f"promised and not exported: {promised - exported}; "
                 f"exported and not promised: {exported - promised}")
    soname = re.search(r"SONAME.*\[(.*)\]", run(["readelf", "-d", library]))
    if soname is None or soname.group(1) != f"libbaton-{name}.so.0":
        sys.exit(f"soname: {soname}")
    if not os.path.exists(os.path.join(folder, f"libbaton-{name}.so.0")):
        sys.exit(f"libbaton-{name}.so.0 is missing")
    if run([PKG_CONFIG, "--modversion", os.path.join(folder, "pkgconfig", f"baton-{name}.pc")],
           ).strip() != VERSION:
        sys.exit("pkg-config has another version")


install()
at = library_folder()
check_examples(at)
check_client(at)
check_symbols(at, "uui", "BATON_UUI_EXPORT")
check_symbols(at, "client", "BATON_CLIENT_EXPORT")
