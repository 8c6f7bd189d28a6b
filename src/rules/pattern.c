/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler for both notations, and the replacement texts. match.c runs the programs.
 *
 * A recursive descent over the text appends steps to a block on the stack. Jumps are
 * relative to the step they stand in, so that a piece of program can be moved when a SPLIT
 * has to go in front of it. Recursion is bounded by GROUPS_MAX parentheses, the program by
 * PATTERN_OPS_MAX steps; {m,n} reads its operand again for each copy and runs into the same
 * limit.
 */
#include "base/err.h"
#include "rules/pattern_impl.h"

enum { NESTING_MAX = 16, REPEAT_MAX = 64 };

struct compiler {
    struct str text; /**< without the slashes */
    size_t base;     /**< octets cut off in front of it, for positions */
    size_t at;
    bool regex, no_case;
    unsigned depth, groups;
    struct pattern_op op[PATTERN_OPS_MAX];
    size_t n;
    struct pattern_set set[PATTERN_SETS_MAX];
    size_t sets;
    struct pattern_fault *fault;
    int err;
};

static bool fail(struct compiler *c, int err, const char *what)
{
    if (c->err == 0) {
        c->err = err;
        c->fault->at = c->base + c->at;
        c->fault->what = what;
    }
    return false;
}

static bool at_end(const struct compiler *c)
{
    return c->at >= c->text.n;
}

static char peek(const struct compiler *c)
{
    return at_end(c) ? '\0' : c->text.p[c->at];
}

static bool emit(struct compiler *c, struct pattern_op op)
{
    if (c->n == PATTERN_OPS_MAX) {
        return fail(c, E_TOOBIG, "the pattern is too large");
    }
    c->op[c->n++] = op;
    return true;
}

/** Put a step in front of what begins at `where`. */
static bool insert(struct compiler *c, size_t where, struct pattern_op op)
{
    if (!emit(c, op)) {
        return false;
    }
    memmove(&c->op[where + 1], &c->op[where], (c->n - 1 - where) * sizeof(op));
    c->op[where] = op;
    return true;
}

static int16_t distance(size_t from, size_t to)
{
    return (int16_t)((long)to - (long)from);
}

/** What begins at `start` may come any number of times, or `once` at most. */
static bool make_optional(struct compiler *c, size_t start, bool repeat)
{
    size_t end = c->n + 1 + (repeat ? 1 : 0);
    struct pattern_op split = {.kind = OP_SPLIT, .a = 1, .b = distance(start, end)};
    if (!insert(c, start, split)) {
        return false;
    }
    return !repeat || emit(c, (struct pattern_op){.kind = OP_JUMP, .a = distance(c->n, start)});
}

/* ---- sets ---- */

static void set_add(struct pattern_set *s, unsigned char ch)
{
    s->bits[ch >> 6] |= 1ull << (ch & 63);
}

static void set_add_range(struct compiler *c, struct pattern_set *s, unsigned lo, unsigned hi)
{
    for (unsigned ch = lo; ch <= hi; ch++) {
        set_add(s, (unsigned char)ch);
        if (c->no_case && ch >= 'a' && ch <= 'z') {
            set_add(s, (unsigned char)(ch - 32));
        } else if (c->no_case && ch >= 'A' && ch <= 'Z') {
            set_add(s, (unsigned char)(ch + 32));
        }
    }
}

static bool emit_set(struct compiler *c, const struct pattern_set *s)
{
    size_t i = 0;
    while (i < c->sets && memcmp(&c->set[i], s, sizeof(*s)) != 0) {
        i++;
    }
    if (i == c->sets) {
        if (c->sets == PATTERN_SETS_MAX) {
            return fail(c, E_TOOBIG, "too many different sets of characters");
        }
        c->set[c->sets++] = *s;
    }
    return emit(c, (struct pattern_op){.kind = OP_SET, .ch = (uint8_t)i});
}

static bool emit_digit(struct compiler *c)
{
    struct pattern_set s = {{0}};
    set_add_range(c, &s, '0', '9');
    return emit_set(c, &s);
}

/** One character of a set, perhaps behind a backslash. */
static bool set_char(struct compiler *c, unsigned char *out)
{
    if (peek(c) == '\\') {
        c->at++;
    }
    if (at_end(c)) {
        return fail(c, E_SYNTAX, "the set of characters has no end: ']' is missing");
    }
    *out = (unsigned char)c->text.p[c->at++];
    return true;
}

/** Behind '['. */
static bool parse_set(struct compiler *c)
{
    struct pattern_set s = {{0}};
    bool inverse = peek(c) == '^' || (!c->regex && peek(c) == '!');
    bool first = true;
    c->at += inverse;
    while (first || peek(c) != ']') {
        unsigned char lo, hi;
        if (!set_char(c, &lo)) {
            return false;
        }
        hi = lo;
        if (peek(c) == '-' && c->at + 1 < c->text.n && c->text.p[c->at + 1] != ']') {
            c->at++;
            if (!set_char(c, &hi)) {
                return false;
            }
            if (hi < lo) {
                return fail(c, E_SYNTAX, "the range runs backwards");
            }
        }
        set_add_range(c, &s, lo, hi);
        first = false;
        if (at_end(c)) {
            return fail(c, E_SYNTAX, "the set of characters has no end: ']' is missing");
        }
    }
    c->at++;
    for (size_t i = 0; inverse && i < ARRAY_LEN(s.bits); i++) {
        s.bits[i] = ~s.bits[i];
    }
    return emit_set(c, &s);
}

/* ---- the grammar ---- */

static bool parse_either(struct compiler *c);

static bool emit_char(struct compiler *c, char ch)
{
    return emit(c, (struct pattern_op){.kind = OP_CHAR,
                                       .ch = (uint8_t)(c->no_case ? ascii_lower(ch) : ch)});
}

/** Behind '('. */
static bool parse_group(struct compiler *c)
{
    size_t open = c->at - 1;
    unsigned group = ++c->groups;
    if (group > PATTERN_GROUPS) {
        return fail(c, E_TOOBIG, "more than nine parts in parentheses");
    }
    if (++c->depth > NESTING_MAX) {
        return fail(c, E_TOOBIG, "too many parentheses in each other");
    }
    if (!emit(c, (struct pattern_op){.kind = OP_SAVE, .ch = (uint8_t)(2 * group)}) ||
        !parse_either(c)) {
        return false;
    }
    if (peek(c) != ')') {
        c->at = open;
        return fail(c, E_SYNTAX, "the parenthesis is not closed");
    }
    c->at++;
    c->depth--;
    return emit(c, (struct pattern_op){.kind = OP_SAVE, .ch = (uint8_t)(2 * group + 1)});
}

static bool parse_escaped(struct compiler *c)
{
    if (at_end(c)) {
        return fail(c, E_SYNTAX, "nothing follows the backslash");
    }
    char ch = c->text.p[c->at++];
    if (c->regex && ch == 'd') {
        return emit_digit(c);
    }
    if (c->regex &&
        ((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z'))) {
        c->at--;
        return fail(c, E_SYNTAX, "this has no meaning behind a backslash");
    }
    return emit_char(c, ch);
}

static bool parse_atom(struct compiler *c)
{
    char ch = c->text.p[c->at++];
    struct pattern_op any = {.kind = OP_ANY};
    switch (ch) {
    case '[':
        return parse_set(c);
    case '(':
        return parse_group(c);
    case '\\':
        return parse_escaped(c);
    default:
        break;
    }
    if (!c->regex && ch == 'X') {
        return emit_digit(c);
    }
    if (ch == (c->regex ? '.' : '?')) {
        return emit(c, any);
    }
    if (!c->regex && ch == '*') {
        return emit(c, any) && make_optional(c, c->n - 1, true);
    }
    if (c->regex && memchr("*+?{", ch, 4) != NULL) {
        c->at--;
        return fail(c, E_SYNTAX, "there is nothing to repeat");
    }
    if (c->regex && (ch == '^' || ch == '$')) {
        c->at--;
        return fail(c, E_SYNTAX,
                    "^ and $ stand at the ends only; the whole text is meant anyway");
    }
    return emit_char(c, ch);
}

static bool parse_number(struct compiler *c, unsigned *out)
{
    unsigned v = 0;
    size_t from = c->at;
    while (peek(c) >= '0' && peek(c) <= '9') {
        v = v > REPEAT_MAX ? v : v * 10 + (unsigned)(peek(c) - '0');
        c->at++;
    }
    *out = v;
    return c->at > from;
}

/** {m}, {m,} or {m,n}, behind '{'. Without an end *most is REPEAT_MAX + 1. */
static bool parse_bounds(struct compiler *c, unsigned *least, unsigned *most)
{
    bool ok = parse_number(c, least);
    *most = *least;
    if (ok && peek(c) == ',') {
        c->at++;
        if (!parse_number(c, most)) {
            *most = REPEAT_MAX + 1;
        } else {
            ok = *most >= *least && *most <= REPEAT_MAX;
        }
    }
    if (!ok || *least > REPEAT_MAX || peek(c) != '}') {
        return fail(c, E_SYNTAX, "{m}, {m,} or {m,n} up to 64 is wanted");
    }
    c->at++;
    return true;
}

/** The operand that began at `from` once more; its groups are the same ones. */
static bool again(struct compiler *c, size_t from, unsigned groups)
{
    size_t behind = c->at;
    unsigned now = c->groups;
    c->at = from;
    c->groups = groups;
    bool ok = parse_atom(c);
    c->groups = now;
    c->at = behind;
    return ok;
}

/** So many more copies of the operand, each of which may be missing. */
static bool repeat_optional(struct compiler *c, size_t from, unsigned groups, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        size_t piece = c->n;
        if (!again(c, from, groups) || !make_optional(c, piece, false)) {
            return false;
        }
    }
    return true;
}

/** {m,n} behind its operand, which stands at `from` in the text and at `start` in the program.
 */
static bool parse_bounded(struct compiler *c, size_t from, size_t start, unsigned groups)
{
    unsigned least, most, have = 1;
    if (!parse_bounds(c, &least, &most)) {
        return false;
    }
    bool endless = most > REPEAT_MAX;
    if (most == 0) {
        c->n = start;
        return true;
    }
    if (least == 0) {
        return make_optional(c, start, endless) &&
               (endless || repeat_optional(c, from, groups, most - 1));
    }
    for (; have < least; have++) {
        if (!again(c, from, groups)) {
            return false;
        }
    }
    if (!endless) {
        return repeat_optional(c, from, groups, most - least);
    }
    size_t piece = c->n;
    return again(c, from, groups) && make_optional(c, piece, true);
}

static bool parse_repeated(struct compiler *c)
{
    size_t from = c->at, start = c->n;
    unsigned groups = c->groups;
    if (!parse_atom(c)) {
        return false;
    }
    if (!c->regex) {
        return true;
    }
    bool repeated = true;
    switch (peek(c)) {
    case '*':
        c->at++;
        repeated = make_optional(c, start, true);
        break;
    case '?':
        c->at++;
        repeated = make_optional(c, start, false);
        break;
    case '+':
        c->at++;
        repeated =
            emit(c, (struct pattern_op){.kind = OP_SPLIT, .a = distance(c->n, start), .b = 1});
        break;
    case '{':
        c->at++;
        return parse_bounded(c, from, start, groups);
    default:
        break;
    }
    return repeated;
}

static bool parse_sequence(struct compiler *c)
{
    while (!at_end(c) && peek(c) != '|' && peek(c) != ')') {
        if (!parse_repeated(c)) {
            return false;
        }
    }
    return true;
}

static bool parse_either(struct compiler *c)
{
    size_t start = c->n;
    if (!parse_sequence(c)) {
        return false;
    }
    if (peek(c) != '|') {
        return true;
    }
    c->at++;
    if (++c->depth > NESTING_MAX) {
        return fail(c, E_TOOBIG, "too many alternatives");
    }
    if (!insert(
            c, start,
            (struct pattern_op){.kind = OP_SPLIT, .a = 1, .b = distance(start, c->n + 2)}) ||
        !emit(c, (struct pattern_op){.kind = OP_JUMP})) {
        return false;
    }
    size_t jump = c->n - 1;
    if (!parse_either(c)) {
        return false;
    }
    c->depth--;
    c->op[jump].a = distance(jump, c->n);
    return true;
}

/* ---- what came out ---- */

/** The octets that every match begins with, and whether that is all there is to it. */
static uint8_t classify(const struct compiler *c, char *literal, size_t *n)
{
    size_t i = 0;
    *n = 0;
    for (; i < c->n && (c->op[i].kind == OP_CHAR || c->op[i].kind == OP_SAVE); i++) {
        if (c->op[i].kind == OP_CHAR) {
            literal[(*n)++] = (char)c->op[i].ch;
        }
    }
    if (c->groups > 0) {
        return PATTERN_PROGRAM;
    }
    if (c->op[i].kind == OP_END) {
        return PATTERN_PLAIN;
    }
    if (i + 3 < c->n && c->op[i].kind == OP_SPLIT && c->op[i + 1].kind == OP_ANY &&
        c->op[i + 2].kind == OP_JUMP && c->op[i + 2].a == -2 && c->op[i + 3].kind == OP_END) {
        return PATTERN_BEGIN;
    }
    return PATTERN_PROGRAM;
}

static int finish(struct arena *a, struct compiler *c, struct pattern *out)
{
    char literal[PATTERN_OPS_MAX];
    size_t n;
    out->kind = classify(c, literal, &n);
    out->groups = (uint8_t)c->groups;
    out->op_count = (uint16_t)c->n;
    out->literal = n == 0 ? STR("") : arena_dup(a, str_make(literal, n));
    struct pattern_op *op = arena_alloc(a, c->n * sizeof(*op));
    struct pattern_set *set = arena_alloc(a, (c->sets + 1) * sizeof(*set));
    if (op == NULL || set == NULL || out->literal.p == NULL) {
        c->fault->what = "out of memory";
        return E_NOMEM;
    }
    memcpy(op, c->op, c->n * sizeof(*op));
    memcpy(set, c->set, c->sets * sizeof(*set));
    out->op = op;
    out->set = set;
    return 0;
}

int pattern_compile(struct arena *a, struct str text, unsigned flags, struct pattern *out,
                    struct pattern_fault *fault)
{
    struct compiler c = {
        .text = text, .fault = fault, .no_case = (flags & PATTERN_NO_CASE) != 0};
    *out = (struct pattern){.flags = (uint8_t)flags};
    *fault = (struct pattern_fault){0, "out of memory"};
    if (text.n == 0 || text.n > PATTERN_TEXT_MAX) {
        fault->what = text.n == 0 ? "the pattern is empty" : "the pattern is too long";
        return text.n == 0 ? E_SYNTAX : E_TOOBIG;
    }
    out->text = arena_dup(a, text);
    if (text.n >= 2 && text.p[0] == '/' && text.p[text.n - 1] == '/') {
        c.regex = true;
        c.base = 1;
        c.text = str_make(text.p + 1, text.n - 2);
        if (c.text.n > 0 && c.text.p[0] == '^') {
            c.base++;
            c.text = str_from(c.text, 1);
        }
        /* a final $ is an end mark unless an odd number of backslashes makes it a dollar */
        size_t slashes = 0;
        while (slashes + 1 < c.text.n && c.text.p[c.text.n - 2 - slashes] == '\\') {
            slashes++;
        }
        if (c.text.n > 0 && c.text.p[c.text.n - 1] == '$' && slashes % 2 == 0) {
            c.text = str_upto(c.text, c.text.n - 1);
        }
    }
    if (!parse_either(&c)) {
        return c.err;
    }
    if (!at_end(&c)) {
        (void)fail(&c, E_SYNTAX, "a parenthesis is closed that was not opened");
        return c.err;
    }
    if (!emit(&c, (struct pattern_op){.kind = OP_END})) {
        return c.err;
    }
    if (out->text.p == NULL) {
        return E_NOMEM;
    }
    return finish(a, &c, out);
}

/* ---- replacements ---- */

bool pattern_replacement_ok(struct str text, unsigned groups, struct pattern_fault *fault)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '$') {
            continue;
        }
        fault->at = i++;
        char ch = i < text.n ? text.p[i] : '\0';
        if (ch != '$' && (ch < '0' || ch > '9')) {
            fault->what = "$0 to $9 is wanted, or $$ for a dollar";
            return false;
        }
        if (ch != '$' && (unsigned)(ch - '0') > groups) {
            fault->what = "the pattern has no part of that number";
            return false;
        }
    }
    return true;
}

void pattern_replace(struct out *o, struct str replacement, const struct pattern_match *m)
{
    for (size_t i = 0; i < replacement.n; i++) {
        char ch = replacement.p[i];
        if (ch == '$' && i + 1 < replacement.n) {
            ch = replacement.p[++i];
            if (ch >= '0' && ch <= '9') {
                out_str(o, m->part[ch - '0']);
                continue;
            }
        }
        out_ch(o, ch);
    }
}
