/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registrar over a sequence of steps, separated by NUL octets. The first octet of a step
 * chooses what happens (a REGISTER for one of two addresses over one of four flows, a flow that
 * closes, time that passes), the rest are header lines. Between any two steps the books must
 * agree, a refused request must have changed nothing, and an answer must be a message
 * that lists as many contacts as there are, whose GRUUs lead back to the binding.
 */
#include "fuzz_env.h"
#include "registrar/registrar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct fuzz_env f;
    struct wheel wheel;
    struct registrar r;
    struct arena arena;
    uint64_t now;
    unsigned records; /* as on_change told */
};

static const struct str key[2] = {STR_INIT("a@b"), STR_INIT("c@d")};

static void on_change(void *ctx, const struct record *rec, bool registered, uint64_t now_ms)
{
    struct world *w = ctx;
    MUST(now_ms == w->now);
    MUST((rec->count > 0) == registered);
    w->records += registered ? 1 : 0u - 1u;
}

/* Every GRUU that we give out is one. */
static void check_gruus(const struct world *w, struct str contact)
{
    static const struct str names[] = {STR_INIT("pub-gruu"), STR_INIT("temp-gruu")};
    struct sip_addr a;
    struct sip_uri u;
    struct str value;
    uint32_t at;
    MUST(sip_addr_parse(contact, &a, &at) == 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct binding *only;
        if (sip_param(a.params, names[i], &value)) {
            MUST(value.n > 2 && value.p[0] == '"' && value.p[value.n - 1] == '"');
            MUST(sip_uri_parse(str_make(value.p + 1, value.n - 2), 0, &u, &at) == 0);
            MUST(registrar_find_gruu(&w->r, &u, &only) != NULL && only != NULL);
        }
    }
}

static void check_record(struct world *w, const struct record *rec)
{
    unsigned count = 0;
    unsigned q = 1000;
    list_each(it, &rec->bindings)
    {
        const struct binding *b = list_entry(it, struct binding, link);
        MUST(b->record == rec);
        MUST(b->q_milli <= q);
        MUST(b->expires_ms > w->now);
        MUST(timer_running(&b->expire));
        MUST(list_linked(&b->flow_link) == (b->hop.flow != 0 && b->hop.transport == TP_TCP));
        q = b->q_milli;
        count++;
    }
    MUST(count == rec->count && count > 0 && count <= w->r.config.max_contacts);
}

static void check_books(struct world *w)
{
    size_t bindings = 0;
    size_t records = 0;
    for (size_t i = 0; i < ARRAY_LEN(key); i++) {
        const struct record *rec = registrar_find(&w->r, key[i]);
        if (rec != NULL) {
            check_record(w, rec);
            bindings += rec->count;
            records++;
        }
    }
    MUST(records == w->records && records == w->r.record_pool.in_use);
    MUST(bindings == w->r.binding_pool.in_use && bindings == w->wheel.count);
    MUST(w->r.registered == bindings + w->r.removed + w->r.expired + w->r.lost);
}

/* All that a query would show, as one number. */
static uint64_t picture(const struct world *w, struct str k)
{
    const struct hash_key seed = {1, 2};
    const struct record *rec = registrar_find(&w->r, k);
    uint64_t h = 0;
    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            const struct binding *b = list_entry(it, struct binding, link);
            h = hash_mix(h, hash_bytes(&seed, b->contact));
            h = hash_mix(h, hash_bytes(&seed, b->params));
            h = hash_mix(h, hash_bytes(&seed, b->call_id));
            h = hash_mix(h, b->expires_ms ^ b->cseq ^ b->q_milli);
        }
    }
    return h;
}

static void check_answer(const struct world *w, struct str k, const struct registrar_answer *a)
{
    static struct fuzz_msg msg;
    struct sip_values it = {0};
    struct str value;
    unsigned n = 0;
    const struct record *rec = registrar_find(&w->r, k);
    MUST(fuzz_msg(&msg, "SIP/2.0 200 OK\r\n", a->lines));
    while (sip_msg_each(&msg.m, SIP_HDR_CONTACT, &it, &value)) {
        check_gruus(w, value);
        n++;
    }
    MUST(n == (rec != NULL ? rec->count : 0));
    MUST(sip_msg_has(&msg.m, SIP_HDR_DATE));
}

static void step_register(struct world *w, uint8_t how, struct str lines)
{
    static struct fuzz_msg msg;
    struct registrar_answer a;
    struct str k = key[how >> 6 & 1];
    struct hop hop = {.flow = 1 + (how & 3), .transport = how & 4 ? TP_TCP : TP_UDP};
    uint64_t before = picture(w, k);
    if (!fuzz_msg(&msg, "REGISTER sip:b SIP/2.0\r\n", lines)) {
        return;
    }
    arena_reset(&w->arena);
    registrar_register(&w->r, &msg.m, k, &hop, w->now, &w->arena, &a);
    memset(msg.text, '#', sizeof(msg.text));
    switch (a.status) {
    case 200:
        check_answer(w, k, &a);
        break;
    case 423:
        MUST(str_starts(a.lines, STR("Min-Expires: ")));
        MUST(picture(w, k) == before);
        break;
    default:
        MUST(a.status == 400 || a.status == 403 || a.status == 420 || a.status == 439 ||
             a.status == 500);
        MUST(picture(w, k) == before);
    }
}

static void step(struct world *w, struct str text)
{
    uint8_t how = (uint8_t)text.p[0];
    if ((how & 0x30) == 0x10) {
        w->now += (uint64_t)(how & 15) * 20000;
        wheel_advance(&w->wheel, w->now);
    } else if ((how & 0x30) == 0) {
        registrar_on_flow_closed(&w->r, 1 + (how & 3), w->now);
    } else {
        step_register(w, how, str_from(text, 1));
    }
    check_books(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.now = 5000};
    struct str rest = str_make((const char *)data, size);
    fuzz_env_init(&w.f);
    wheel_init(&w.wheel, w.now);
    arena_init(&w.arena, &w.f.env.mem, 4096);
    MUST(registrar_init(&w.r, &w.f.env, &w.wheel,
                        &(struct registrar_config){.max_contacts = 4}) == 0);
    w.r.on_change = on_change;
    w.r.ctx = &w;
    while (rest.n > 0) {
        size_t end = str_index(rest, '\0');
        if (end > 0) {
            step(&w, str_upto(rest, end));
        }
        rest = str_from(rest, end + 1);
    }
    registrar_fini(&w.r);
    arena_fini(&w.arena);
    MUST(w.wheel.count == 0 && w.f.live == 0);
    return 0;
}
