/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton uui decode` and `baton uui encode`; the other ways are in files of their own.
 *
 * Decode reads what people have at hand: a value out of a log, a header line, a URI, a whole
 * message. A message is read tolerantly, line by line and not by the SIP parser: traces come
 * with comments in front, with LF for CRLF, and without the headers that somebody left out,
 * and none of that is a reason not to look at their User-to-User. The lines of a message are
 * one list, as its receiver would see it; every other line of input is a list of its own.
 */
#include "cli/uui_cmd.h"
#include "base/err.h"
#include "cli/text.h"
#include "cli/uui_convert.h"
#include "cli/uui_lint.h"
#include "cli/uui_policy.h"
#include "cli/uui_seal.h"
#include "cli/uui_show.h"
#include "lint/lint.h"
#include "sip/msg.h"
#include "sip/uri.h"
#include <stdlib.h>

/** Input beyond this is no SIP message and no value. */
enum { INPUT_MAX = 1 << 20 };

struct reader {
    struct arena arena;
    FILE *out, *err;
    struct uui_options o;
    size_t shown;
    size_t bad; /**< values that are not valid, and lists that could not be read */
    struct lint_decoding how;
};

static void show_value(void *ctx, const struct uui_value *v, struct str where)
{
    struct reader *r = ctx;

    r->bad += v->verdict != UUI_VALID ? 1 : 0;
    if (r->o.json) {
        fputs(r->shown > 0 ? ",\n  " : "[\n  ", r->out);
        uui_show_json(v, where, r->out);
    } else {
        fputs(r->shown > 0 ? "\n" : "", r->out);
        uui_show_text(v, where, r->out);
    }
    r->shown++;
}

static void report(void *ctx, int err)
{
    struct reader *r = ctx;

    r->bad++;
    if (err == E_TOOMANY) {
        fprintf(r->err, "baton uui: more than %d values in one message\n", UUI_VALUES_MAX);
    } else {
        fprintf(r->err, "baton uui: %s\n", err_text(err));
    }
}

/** All of a stream into memory of its own. @return E_TOOBIG, E_NOMEM, E_IO */
static int read_stream(FILE *in, char **buf, size_t *n)
{
    *n = 0;
    *buf = malloc(INPUT_MAX + 1);
    if (!*buf) {
        return E_NOMEM;
    }
    *n = fread(*buf, 1, INPUT_MAX + 1, in);
    return ferror(in) ? E_IO : *n > INPUT_MAX ? E_TOOBIG : 0;
}

static void read_input(struct reader *r, FILE *in)
{
    char *buf;
    size_t n;
    int err = read_stream(in, &buf, &n);
    if (err < 0) {
        report(r, err);
    } else {
        lint_decode_text(&r->how, str_make(buf, n));
    }
    free(buf);
}

static int decode(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
    struct reader r = {.out = out, .err = err};
    int n = uui_take_options(argc, argv, &r.o);
    if (n < 0) {
        return EXIT_CODE_USAGE;
    }
    arena_init(&r.arena, &mem_libc, 16384);
    r.how = (struct lint_decoding){.far = &r.o.from,
                                   .known = &r.o.known,
                                   .arena = &r.arena,
                                   .value = show_value,
                                   .failed = report,
                                   .ctx = &r};
    for (int i = 0; i < n; i++) {
        if (strcmp(argv[i], "-") == 0) {
            read_input(&r, in);
        } else {
            lint_decode_one(&r.how, str_c(argv[i]));
        }
    }
    if (n == 0) {
        read_input(&r, in);
    }
    if (r.o.json) {
        fputs(r.shown > 0 ? "\n]\n" : "[]\n", out);
    }
    if (r.shown == 0 && r.bad == 0) {
        fputs("baton uui: no User-to-User value\n", err);
    }
    arena_fini(&r.arena);
    return r.bad > 0 || r.shown == 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

/* ---------------------------------------------------------------------------- encode */

struct request {
    const char *hex, *text, *pd, *package, *content, *encoding, *dialect, *max_octets;
    bool stream, uri;
};

static int parse_request(int argc, char **argv, struct request *q)
{
    const struct {
        const char *name;
        const char **value;
    } table[] = {
        {"--hex", &q->hex},         {"--text", &q->text},
        {"--pd", &q->pd},           {"--package", &q->package},
        {"--content", &q->content}, {"--encoding", &q->encoding},
        {"--dialect", &q->dialect}, {"--max-octets", &q->max_octets},
    };
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        size_t len = strcspn(argv[i], "=");
        while (k < ARRAY_LEN(table) &&
               (strlen(table[k].name) != len || strncmp(argv[i], table[k].name, len) != 0)) {
            k++;
        }
        if (strcmp(argv[i], "-") == 0) {
            q->stream = true;
        } else if (strcmp(argv[i], "--uri") == 0) {
            q->uri = true;
        } else if (k == ARRAY_LEN(table)) {
            return help_usage_error(&help_uui, "unexpected '%s'", argv[i]);
        } else if (argv[i][len] == '=') {
            *table[k].value = argv[i] + len + 1;
        } else if (i + 1 < argc) {
            *table[k].value = argv[++i];
        } else {
            return help_usage_error(&help_uui, "%s needs a value", argv[i]);
        }
    }
    if ((q->hex != NULL) + (q->text != NULL) + q->stream != 1) {
        return help_usage_error(&help_uui, "one of --hex, --text and - is needed");
    }
    return 0;
}

/** The canonical value as a system with that dialect wants it. @return the exit code */
static int write_dialect(const struct request *q, struct str canonical, FILE *out, FILE *err)
{
    struct uui_far far = {0};
    const struct uui_packages known = {0};
    struct uui_value v;
    struct arena a;
    bool ok = false;
    if (q->max_octets && !str_to_u32(str_c(q->max_octets), &far.max_octets)) {
        return help_usage_error(&help_uui, "--max-octets takes a number, not '%s'",
                                q->max_octets);
    }
    if (!uui_find_dialect(q->dialect, &far.dialect)) {
        return EXIT_CODE_USAGE;
    }
    arena_init(&a, &mem_libc, 4096);
    if (uui_parse(canonical, &known, &a, &v) == 0) {
        ok = uui_write_far(&far, &known, &v, &a, out, err);
    }
    arena_fini(&a);
    return ok ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

static int write_value(const struct request *q, struct str octets, FILE *out, FILE *err)
{
    struct uui_format f = {.package = str_c(q->package),
                           .content = str_c(q->content),
                           .encoding = str_c(q->encoding),
                           .has_pd = q->pd != NULL};
    if (q->pd && !uui_parse_pd(q->pd, &f.pd)) {
        return help_usage_error(&help_uui, "--pd takes 0 to 255, not '%s'", q->pd);
    }
    size_t names = f.package.n + f.content.n + f.encoding.n;
    size_t cap = 2 * octets.n + names + 64;
    char *buf = malloc(4 * cap);
    enum uui_rule why = UUI_R_NONE;
    struct out o, escaped;
    if (!buf) {
        fprintf(err, "baton uui: %s\n", err_text(E_NOMEM));
        return EXIT_CODE_FAILED;
    }
    out_init(&o, buf, cap);
    out_init(&escaped, buf + cap, 3 * cap);
    int rc = uui_write(&o, octets, &f, &why);
    if (rc == E_VALUE) {
        fprintf(err, "baton uui: a receiver would not take this: %s (%s)\n", uui_rule_text(why),
                uui_rule_source(why));
    } else if (rc < 0) {
        fprintf(err, "baton uui: %s\n", err_text(rc));
    } else if (!q->dialect) {
        sip_escape_header(&escaped, out_str_of(&o));
        struct str text = out_str_of(q->uri ? &escaped : &o);
        fprintf(out, "%.*s\n", STR_ARG(text));
    }
    if (rc == 0 && q->dialect) {
        rc = write_dialect(q, out_str_of(&o), out, err);
        free(buf);
        return rc;
    }
    bool isdn = !q->package || str_ieq(f.package, uui_isdn);
    if (rc == 0 && isdn && octets.n + f.has_pd > UUI_ISDN_OCTETS) {
        fprintf(err, "baton uui: %zu octets; an ISDN carries %d and drops more (RFC 7434 §6)\n",
                octets.n + f.has_pd, UUI_ISDN_OCTETS);
    }
    free(buf);
    return rc < 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

static int encode(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
    struct request q = {0};
    struct arena arena;
    struct str octets = STR_NONE;
    char *buf = NULL;
    int rc = parse_request(argc, argv, &q);
    if (rc != 0) {
        return rc;
    }
    arena_init(&arena, &mem_libc, 4096);
    int failure = 0;
    if (q.text) {
        octets = str_c(q.text);
    } else if (q.hex) {
        failure = text_hex(str_c(q.hex), &arena, &octets);
    } else {
        failure = read_stream(in, &buf, &octets.n);
        octets.p = buf;
    }
    if (failure == 0) {
        rc = write_value(&q, octets, out, err);
    } else if (failure == E_SYNTAX) {
        rc = help_usage_error(&help_uui, "--hex takes pairs of hex digits, not '%s'", q.hex);
    } else {
        fprintf(err, "baton uui: %s\n", err_text(failure));
        rc = EXIT_CODE_FAILED;
    }
    free(buf);
    arena_fini(&arena);
    return rc;
}

static int dialects(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
    (void)argv, (void)in, (void)err;
    return argc == 1 ? uui_list_dialects(out)
                     : help_usage_error(&help_uui, "dialects takes nothing behind it");
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv, FILE *in, FILE *out, FILE *err);
} ways[] = {
    {"decode", decode},         {"encode", encode},     {"convert", uui_convert},
    {"lint", uui_lint_run},     {"dialects", dialects}, {"keygen", uui_seal_run},
    {"seal", uui_seal_run},     {"open", uui_seal_run}, {"vectors", uui_seal_run},
    {"policy", uui_policy_run},
};

int uui_run(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(ways); i++) {
        if (strcmp(argv[1], ways[i].name) == 0) {
            return ways[i].run(argc - 1, argv + 1, in, out, err);
        }
    }
    return help_usage_error(&help_uui,
                            "%s%s%sdecode, encode, convert, lint, dialects, keygen, "
                            "seal, open, vectors or policy?",
                            argc > 1 ? "'" : "", argc > 1 ? argv[1] : "",
                            argc > 1 ? "' is none of these: " : "");
}

int cmd_uui(int argc, char **argv)
{
    return uui_run(argc, argv, stdin, stdout, stderr);
}
