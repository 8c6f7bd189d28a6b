/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion: see completion_cmd.h.
 *
 * The script has four tables as functions of `case`, which every shell reads alike, and a short
 * piece for the shell itself:
 *
 *   _baton_commands                  every command
 *   _baton_options COMMAND           its options
 *   _baton_value COMMAND OPTION      what stands behind that option: file, device, call, words
 * … _baton_place COMMAND VERB N      what may stand at the Nth place
 */
#include "cli/completion_cmd.h"
#include "cli/ask_cmd.h"
#include "cli/commands.h"
#include <stdlib.h>
#include <string.h>

static const char *const synopsis[] = {"completion bash|zsh", NULL};

static const struct help_option options[] = {
    {"bash|zsh", NULL, "The shell that is to complete."},
    {NULL, NULL, NULL},
};
static const struct help_example examples[] = {
    {"source <(baton completion bash)", "In this shell; packages install it for all."},
    {"baton completion zsh > ~/.zfunc/_baton", "For zsh, in a folder of its fpath."},
    {NULL, NULL},
};
static const char *const see_also[] = {"", NULL};

const struct help help_completion = {
    .name = "completion",
    .summary = "have the shell complete commands, devices, calls",
    .synopsis = synopsis,
    .description =
        "Prints the script by which bash or zsh completes commands, their options and "
        "arguments; devices and calls are those of the running server.",
    .options = options,
    .examples = examples,
    .see_also = see_also,
};

/* ---- what may stand there ---- */

/** "FILE" as "file", "a|b" as "words a b". @return false: nothing that can be completed */
static bool print_kind(const char *arg, size_t n, FILE *to)
{
    static const struct {
        const char *arg, *kind;
    } kinds[] = {{"FILE", "file"}, {"DEVICE", "device"}, {"FROM", "device"},
                 {"TO", "device"}, {"CALL", "call"},     {"COMMAND", "command"}};
    struct str word = str_make(arg, n);

    if (word.n > 2 && word.p[0] == '[') {
        word = str_make(word.p + 1, word.n - 2);
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_eq(word, str_c(kinds[i].arg))) {
            fputs(kinds[i].kind, to);
            return true;
        }
    }
    if (str_index(word, '|') == word.n) {
        return false;
    }
    fputs("words", to);
    while (word.n > 0) {
        size_t end = str_index(word, '|');
        fprintf(to, " %.*s", (int)end, word.p);
        word = str_from(word, end + 1);
    }
    return true;
}

static bool has_kind(const char *arg, size_t n)
{
    FILE *nowhere = fopen("/dev/null", "we");
    bool has = nowhere != NULL && print_kind(arg, n, nowhere);
    if (nowhere != NULL) {
        (void)fclose(nowhere);
    }
    return has;
}

/** Is it a word to type, and no name of something? */
static bool is_word(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z';
}

/** Entries that are typed behind the command. */
static bool is_typed(const struct help *h, const struct help_section *s)
{
    return strcmp(s->title, "Verbs") == 0 ||
           (strcmp(s->title, "Commands") == 0 && strcmp(h->name, "phone") != 0);
}

static bool has_verbs(const struct help *h)
{
    for (const struct help_section *s = h->sections; s != NULL && s->title != NULL; s++) {
        if (is_typed(h, s)) {
            return true;
        }
    }
    return false;
}

/** Each of "-c, --config", without what may stand behind it. */
static void each_name(const char *names, const char *before, FILE *to)
{
    while (*names != '\0') {
        size_t n = strcspn(names, ", ");
        fprintf(to, "%s%.*s", before, (int)n, names);
        names += n;
        names += strspn(names, ", ");
    }
}

/* ---- the tables ---- */

static void each_option(const struct help *h,
                        void (*fn)(const struct help *h, const struct help_option *o, FILE *to),
                        FILE *to)
{
    for (const struct help_option *o = h->options; o != NULL && o->names != NULL; o++) {
        fn(h, o, to);
    }
    for (const struct help_section *s = h->sections; s != NULL && s->title != NULL; s++) {
        for (const struct help_option *o = s->entries; o != NULL && o->names != NULL; o++) {
            if (o->names[0] == '-') {
                fn(h, o, to);
            }
        }
    }
}

static void print_option(const struct help *h, const struct help_option *o, FILE *to)
{
    (void)h;
    if (o->names[0] == '-') {
        fputc(' ', to);
        each_name(o->names, " ", to);
    }
}

static void print_value(const struct help *h, const struct help_option *o, FILE *to)
{
    const char *names = o->names;

    if (names[0] != '-' || o->arg == NULL || !has_kind(o->arg, strlen(o->arg))) {
        return;
    }
    for (bool first = true; *names != '\0'; first = false) {
        size_t n = strcspn(names, ", ");
        fprintf(to, "%s'%s %.*s'", first ? "        " : "|", h->name, (int)n, names);
        names += n;
        names += strspn(names, ", ");
    }
    fputs(") echo '", to);
    (void)print_kind(o->arg, strlen(o->arg), to);
    fputs("';;\n", to);
}

static void print_words(const struct help *h, FILE *to)
{
    for (const struct help_option *o = h->options; o != NULL && o->names != NULL; o++) {
        if (is_word(o->names) && strchr(o->names, '|') == NULL) {
            fprintf(to, " %.*s", (int)strcspn(o->names, ", "), o->names);
        }
    }
    for (const struct help_section *s = h->sections; s != NULL && s->title != NULL; s++) {
        for (const struct help_option *o = s->entries;
             o != NULL && o->names != NULL && is_typed(h, s); o++) {
            if (is_word(o->names)) {
                fprintf(to, " %.*s", (int)strcspn(o->names, ", "), o->names);
            }
        }
    }
}

/** The first place: verbs, or what the options' positional arguments are. */
static void print_first(const struct help *h, FILE *to)
{
    bool told = false;

    fprintf(to, "        '%s  1') echo 'words", h->name);
    print_words(h, to);
    fputs("'\n", to);
    for (const struct help_option *o = h->options; o != NULL && o->names != NULL && !told;
         o++) {
        const char *what = o->arg != NULL ? o->arg : o->names;
        if (o->names[0] != '-' && has_kind(what, strlen(what))) {
            fputs("            echo '", to);
            (void)print_kind(what, strlen(what), to);
            fputs("'\n", to);
            told = has_verbs(h); /* the others stand behind a verb */
        }
    }
    fputs("            ;;\n", to);
}

static void print_verb(const struct help *h, const struct help_option *o, FILE *to)
{
    unsigned place = 1;
    const char *arg = o->arg != NULL ? o->arg : "";
    size_t name = strcspn(o->names, ", ");

    while (*arg != '\0') {
        size_t n = strcspn(arg, " ");
        if (has_kind(arg, n)) {
            fprintf(to, "        '%s %.*s %u') echo '", h->name, (int)name, o->names, place);
            (void)print_kind(arg, n, to);
            fputs("';;\n", to);
        }
        place++;
        arg += n;
        arg += strspn(arg, " ");
    }
}

static void print_places(const struct help *h, FILE *to)
{
    print_first(h, to);
    for (const struct help_section *s = h->sections; s != NULL && s->title != NULL; s++) {
        for (const struct help_option *o = s->entries;
             o != NULL && o->names != NULL && is_typed(h, s); o++) {
            if (is_word(o->names)) {
                print_verb(h, o, to);
            }
        }
    }
}

static void print_tables(FILE *to)
{
    fputs("_baton_commands()\n{\n    echo 'help", to);
    for (size_t i = 0; i < command_count; i++) {
        fprintf(to, " %s", commands[i].help->name);
    }
    fputs("'\n}\n\n_baton_options()\n{\n    case $1 in\n", to);
    for (size_t i = 0; i < command_count; i++) {
        fprintf(to, "        %s) echo '--help", commands[i].help->name);
        each_option(commands[i].help, print_option, to);
        fputs("';;\n", to);
    }
    fputs(
        "        *) echo '--help --version';;\n    esac\n}\n\n_baton_value()\n{\n    case \"$1 "
        "$2\" in\n",
        to);
    for (size_t i = 0; i < command_count; i++) {
        each_option(commands[i].help, print_value, to);
    }
    fputs("        *) return 1;;\n    esac\n}\n\n_baton_place()\n{\n    case \"$1 $2 $3\" in\n",
          to);
    fputs("        'help  1') echo 'command';;\n", to);
    for (size_t i = 0; i < command_count; i++) {
        print_places(commands[i].help, to);
    }
    fputs("    esac\n}\n\n", to);
}

/* ---- the shells ---- */

/** Of the words so far: which command, which verb, and at which place we are. */
static const char common[] =
    "# $1: the word to be completed, $2: the one before it, then all before it from the command "
    "on.\n"
    "# Prints lines: `file`, or the words that may stand there.\n"
    "_baton_candidates()\n"
    "{\n"
    "    local cur=$1 prev=$2 command=${3-} verb='' place=1 word skip='' kind\n"
    "    shift 2; [ $# -gt 0 ] && shift\n"
    "    if [ -z \"$command\" ]; then\n"
    "        case $cur in -*) _baton_options '';; *) _baton_commands;; esac\n"
    "        return\n"
    "    fi\n"
    "    for word in \"$@\"; do\n"
    "        if [ -n \"$skip\" ]; then skip=''; continue; fi\n"
    "        case $word in\n"
    "            -*=*) ;;\n"
    "            -*) _baton_takes \"$command\" \"$word\" && skip=1;;\n"
    "            *) if [ -z \"$verb\" ] && [ \"$place\" = 1 ] && _baton_is_verb \"$command\" "
    "\"$word\"; then verb=$word; else place=$((place + 1)); fi;;\n"
    "        esac\n"
    "    done\n"
    "    if [ -n \"$skip\" ] && kind=$(_baton_value \"$command\" \"$prev\"); then\n"
    "        _baton_expand \"$kind\"\n"
    "    elif [ -z \"$skip\" ]; then\n"
    "        case $cur in\n"
    "            -*) _baton_options \"$command\";;\n"
    "            *) _baton_place \"$command\" \"$verb\" \"$place\" | while read -r kind; do "
    "_baton_expand \"$kind\"; done;;\n"
    "        esac\n"
    "    fi\n"
    "}\n\n"
    "_baton_is_verb()\n"
    "{\n"
    "    case \" $(_baton_place \"$1\" '' 1 | sed -n 's/^words//p' | tr '\\n' ' ') \" in\n"
    "        *\" $2 \"*) return 0;;\n"
    "        *) return 1;;\n"
    "    esac\n"
    "}\n\n"
    "# Does that option have a value?\n"
    "_baton_takes()\n"
    "{\n"
    "    case \"$1 $2\" in\n";

static const char expand[] = "        *) return 1;;\n"
                             "    esac\n"
                             "}\n\n"
                             "_baton_expand()\n"
                             "{\n"
                             "    case $1 in\n"
                             "        file) echo file;;\n"
                             "        device) baton completion words devices 2>/dev/null;;\n"
                             "        call) baton completion words calls 2>/dev/null;;\n"
                             "        command) _baton_commands;;\n"
                             "        words*) echo \"${1#words}\";;\n"
                             "    esac\n"
                             "}\n\n";

static const char bash[] =
    "_baton()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} all\n"
    "    all=$(_baton_candidates \"$cur\" \"$prev\" \"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n"
    "    COMPREPLY=()\n"
    "    if [[ $all == *file* ]] && grep -qx file <<<\"$all\"; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
    "        all=$(grep -vx file <<<\"$all\")\n"
    "    fi\n"
    "    COMPREPLY+=($(compgen -W \"$all\" -- \"$cur\"))\n"
    "}\n"
    "complete -F _baton baton\n";

static const char zsh[] =
    "_baton()\n"
    "{\n"
    "    emulate -L zsh -o sh_word_split\n"
    "    local all=$(_baton_candidates \"${words[CURRENT]}\" \"${words[CURRENT-1]}\" "
    "\"${(@)words[2,CURRENT-1]}\")\n"
    "    local -a found=(${(f)\"$(print -r -- $all | tr ' ' '\\n')\"})\n"
    "    if (( ${found[(I)file]} )); then\n"
    "        _files\n"
    "        found=(${found:#file})\n"
    "    fi\n"
    "    found=(${found:#})\n"
    "    (( $#found )) && compadd -- $found\n"
    "}\n"
    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _baton \"$@\"; else (( $+functions[compdef] )) && "
    "compdef _baton baton; fi\n";

static void print_taking(const struct help *h, const struct help_option *o, FILE *to)
{
    const char *names = o->names;

    if (names[0] != '-' || o->arg == NULL) {
        return;
    }
    for (bool first = true; *names != '\0'; first = false) {
        size_t n = strcspn(names, ", ");
        fprintf(to, "%s'%s %.*s'", first ? "        " : "|", h->name, (int)n, names);
        names += n;
        names += strspn(names, ", ");
    }
    fputs(") return 0;;\n", to);
}

static void print_script(bool for_zsh, FILE *to)
{
    fputs(for_zsh ? "#compdef baton\n" : "# bash completion for baton\n", to);
    fputs("# Made by `baton completion`: every command, its options and what stands behind "
          "them.\n\n",
          to);
    print_tables(to);
    fputs(common, to);
    for (size_t i = 0; i < command_count; i++) {
        each_option(commands[i].help, print_taking, to);
    }
    fputs(expand, to);
    fputs(for_zsh ? zsh : bash, to);
}

/* ---- of the running server ---- */

/** Numbers of devices, or callIDs, one a line. A server that is not there has none. */
static int print_things(const char *what, FILE *out)
{
    bool devices = strcmp(what, "devices") == 0;
    FILE *nowhere = fopen("/dev/null", "we");
    json_t *items = NULL, *one;
    struct control c;
    size_t i;

    if (nowhere == NULL) {
        return EXIT_CODE_FAILED;
    }
    int code = control_open(&c, "completion", NULL, nowhere);
    if (code == EXIT_CODE_OK) {
        code = control_list(&c, devices ? "/v1/devices" : "/v1/calls", 1000, &items);
    }
    json_array_foreach(items, i, one)
    {
        const char *name =
            json_string_value(json_object_get(one, devices ? "number" : "callID"));
        if (name != NULL) {
            fprintf(out, "%s\n", name);
        }
    }
    json_decref(items);
    control_close(&c);
    (void)fclose(nowhere);
    return code;
}

int completion_run(int argc, char **argv, FILE *out, FILE *err)
{
    (void)err;
    if (argc == 3 && strcmp(argv[1], "words") == 0) {
        return print_things(argv[2], out);
    }
    if (argc != 2 || (strcmp(argv[1], "bash") != 0 && strcmp(argv[1], "zsh") != 0)) {
        return help_usage_error(&help_completion, "for bash, or for zsh?");
    }
    print_script(strcmp(argv[1], "zsh") == 0, out);
    return EXIT_CODE_OK;
}

int cmd_completion(int argc, char **argv)
{
    return completion_run(argc, argv, stdout, stderr);
}
