/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton uui lint`: the command; see lint/lint.h.
 *
 * A file is a capture when its first octets say so, else one message, or a text of any kind.
 * What comes through a pipe is put into a temporary file first: to look at its beginning and
 * read it again takes one.
 */
#include "cli/uui_lint.h"

#include "base/err.h"
#include "cli/args.h"
#include "cli/uui_cmd.h"
#include "cli/uui_pcap.h"
#include <stdlib.h>

enum {
    PACKAGES_MAX = 16,
    LINE_OCTETS_MAX = 1 << 20, /**< of a longer line the rest is not looked at */
    WHOLE_OCTETS_MAX = 65536,  /**< a longer text is not one message */
};

struct run {
    struct lint lint;
    enum lint_form form;
    int fail_on; /**< enum lint_level; LINT_WRONG + 1: never */
    FILE *in, *out, *err;
    bool failed, any;
    const char *file; /**< that is being read */
    struct uui_pcap_at at;
    struct uui_package package[PACKAGES_MAX];
    struct str encoding[PACKAGES_MAX];
    struct uui_packages packages;
};

/* ---- what is read ---- */

static void on_report(struct lint *l, const struct lint_report *r)
{
    struct run *run = l->ctx;
    lint_show(r, run->form, !run->any, run->out);
    run->any = true;
    for (size_t i = 0; i < r->findings; i++) {
        run->failed = run->failed || (int)r->finding[i].level >= run->fail_on;
    }
}

static void on_message(void *ctx, const struct frames_message *m)
{
    struct run *run = ctx;
    char hops[128];
    struct out o;
    out_init(&o, hops, sizeof(hops));
    addr_write(&o, m->from);
    out_c(&o, " > ");
    addr_write(&o, m->to);
    out_c(&o, m->tcp ? " TCP" : " UDP");
    struct lint_place place = {.file = run->file,
                               .packet = run->at.packet,
                               .time_us = run->at.time_us,
                               .hops = out_str_of(&o)};
    lint_bytes(&run->lint, m->bytes, &place);
}

static int read_capture(struct run *run, FILE *in)
{
    struct frames *f = malloc(sizeof(*f));
    char why[256] = "";
    int err = E_NOMEM;
    if (f == NULL) {
        fclose(in);
    } else {
        frames_init(f, on_message, run);
        err = uui_pcap_read(in, f, &run->at, why);
        if (f->cut + f->holes > 0) {
            fprintf(run->err, "baton uui: %s: %llu packets cut short, %llu holes in streams\n",
                    run->file, (unsigned long long)f->cut, (unsigned long long)f->holes);
        }
        frames_fini(f);
        free(f);
    }
    if (err != 0) {
        fprintf(run->err, "baton uui: %s: %s\n", run->file,
                why[0] != '\0' ? why : err_text(err));
    }
    return err;
}

/** @return it is one message, and has been read */
static bool read_whole(struct run *run, FILE *in)
{
    struct lint_place place = {.file = run->file, .line = 1};
    char *text = malloc(WHOLE_OCTETS_MAX);
    size_t n = text != NULL ? fread(text, 1, WHOLE_OCTETS_MAX, in) : 0;
    bool whole = n > 0 && n < WHOLE_OCTETS_MAX && !ferror(in) &&
                 lint_whole(&run->lint, str_make(text, n), &place);
    free(text);
    rewind(in);
    return whole;
}

static int read_text(struct run *run, FILE *in)
{
    struct lint_place place = {.file = run->file};
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    if (read_whole(run, in)) {
        fclose(in);
        return 0;
    }
    while ((n = getline(&line, &cap, in)) >= 0) {
        size_t len = (size_t)n;
        len -= len > 0 && line[len - 1] == '\n';
        place.line++;
        lint_text_line(&run->lint,
                       str_make(line, len < LINE_OCTETS_MAX ? len : LINE_OCTETS_MAX), &place);
    }
    lint_text_end(&run->lint);
    free(line);
    int err = ferror(in) ? E_IO : 0;
    fclose(in);
    if (err != 0) {
        fprintf(run->err, "baton uui: %s: %s\n", run->file, err_text(err));
    }
    return err;
}

/** All of a stream in a file that can be read twice. */
static FILE *spool(FILE *in)
{
    FILE *copy = tmpfile();
    char buf[65536];
    size_t n;
    while (copy != NULL && (n = fread(buf, 1, sizeof(buf), in)) > 0) {
        if (fwrite(buf, 1, n, copy) != n) {
            fclose(copy);
            return NULL;
        }
    }
    if (copy != NULL) {
        rewind(copy);
    }
    return copy;
}

/** @return 0, or what is wrong: it has been said */
static int read_file(struct run *run, const char *name)
{
    unsigned char head[4] = {0};
    bool standard = strcmp(name, "-") == 0;
    FILE *in = standard ? spool(run->in) : fopen(name, "rb");
    run->file = name;
    if (in != NULL && !standard && fseek(in, 0, SEEK_CUR) != 0) {
        FILE *copy = spool(in);
        fclose(in);
        in = copy;
    }
    if (in == NULL) {
        fprintf(run->err, "baton uui: %s: cannot be read\n", name);
        return E_IO;
    }
    bool capture = fread(head, 1, sizeof(head), in) == sizeof(head) && uui_pcap_is(head);
    rewind(in);
    return capture ? read_capture(run, in) : read_text(run, in);
}

/* ---- options ---- */

/** "NAME" or "NAME:ENCODING". */
static int add_package(struct run *run, const char *text)
{
    struct str name = str_c(text);
    size_t colon = str_index(name, ':');
    struct uui_package *p = &run->package[run->packages.n];
    struct str encoding = str_from(name, colon + 1);
    name = str_upto(name, colon);
    if (!uui_is_token(name) || (colon < strlen(text) && !uui_is_token(encoding))) {
        return help_usage_error(&help_uui, "--package takes NAME or NAME:ENCODING, not '%s'",
                                text);
    }
    if (run->packages.n == PACKAGES_MAX) {
        return help_usage_error(&help_uui, "more than %d packages", PACKAGES_MAX);
    }
    *p = (struct uui_package){.name = name};
    if (encoding.n > 0) {
        run->encoding[run->packages.n] = encoding;
        p->encodings = &run->encoding[run->packages.n];
        p->encoding_n = 1;
    }
    run->packages.row = run->package;
    run->packages.n++;
    return 0;
}

static int set_fail_on(struct run *run, const char *text)
{
    for (int level = LINT_NOTE; level <= LINT_WRONG; level++) {
        if (strcmp(text, lint_level_text((enum lint_level)level)) == 0) {
            run->fail_on = level;
            return 0;
        }
    }
    run->fail_on = LINT_WRONG + 1;
    return strcmp(text, "never") == 0
               ? 0
               : help_usage_error(&help_uui, "--fail-on takes wrong, ignored, note or never");
}

static int set_dialect(struct run *run, const char *name)
{
    run->lint.far.dialect = uui_dialect_named(str_c(name));
    return run->lint.far.dialect != NULL
               ? 0
               : help_usage_error(&help_uui, "'%s' is no dialect; baton uui dialects has them",
                                  name);
}

/** Files go to the front of argv. @return how many, or -1 */
static int take_options(struct run *run, int argc, char **argv, const char **values, int *count)
{
    int files = 0;
    bool options = true;
    for (int i = 1; i < argc; i++) {
        const char *value;
        int bad = 0;
        if (!options || argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[files++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (strcmp(argv[i], "--json") == 0) {
            run->form = LINT_JSON;
        } else if (args_is(argv[i], "-q", "--brief")) {
            run->form = LINT_BRIEF;
        } else if (args_value(NULL, "--fail-on", argc, argv, &i, &value)) {
            bad = set_fail_on(run, value);
        } else if (args_value(NULL, "--package", argc, argv, &i, &value)) {
            bad = add_package(run, value);
        } else if (args_value(NULL, "--dialect", argc, argv, &i, &value)) {
            bad = set_dialect(run, value);
        } else if (args_value(NULL, "--value", argc, argv, &i, &value)) {
            values[(*count)++] = value;
        } else {
            bad = help_usage_error(&help_uui, "unknown option '%s'", argv[i]);
        }
        if (bad != 0) {
            return -1;
        }
    }
    return files;
}

static int lint_all(struct run *run, int argc, char **argv, const char **values)
{
    int value_count = 0;
    int err = 0;
    int files = take_options(run, argc, argv, values, &value_count);
    if (files < 0) {
        return EXIT_CODE_USAGE;
    }
    run->lint.packages = run->packages.n > 0 ? &run->packages : NULL;
    for (int i = 0; i < value_count; i++) {
        lint_value(&run->lint, str_c(values[i]), &(struct lint_place){0});
    }
    for (int i = 0; i < files; i++) {
        err = read_file(run, argv[i]) != 0 ? E_IO : err;
    }
    if (files == 0 && value_count == 0) {
        err = read_file(run, "-");
    }
    if (run->form != LINT_BRIEF) {
        lint_show_end(&run->lint, run->form, run->any, run->out);
    }
    return err != 0 ? EXIT_CODE_USAGE : run->failed ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

int uui_lint_run(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
    struct run *run = calloc(1, sizeof(*run));
    const char **values = calloc((size_t)argc + 1, sizeof(*values));
    int code = EXIT_CODE_FAILED;
    if (run != NULL) {
        run->fail_on = LINT_IGNORED;
        run->in = in;
        run->out = out;
        run->err = err;
    }
    if (run == NULL || values == NULL || lint_init(&run->lint, on_report, run) != 0) {
        fprintf(err, "baton uui: %s\n", err_text(E_NOMEM));
    } else {
        code = lint_all(run, argc, argv, values);
    }
    if (run != NULL) {
        lint_fini(&run->lint);
    }
    free(run);
    free(values);
    return code;
}
