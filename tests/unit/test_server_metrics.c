/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: every figure has a row, and the text keeps the rules of docs/operations.md. */
#include "engine/engine.h"
#include "kit_msg.h"
#include "kit_store.h"
#include "net/net.h"
#include "server/keeping.h"
#include "server/metrics.h"

static struct metrics m;

static const struct env *world(void)
{
    static struct kit k;
    kit_init(&k);
    return &k.env;
}

/** Of these rows each has been given, and nothing was given that has none. */
static void check_all_of(enum metric_source source)
{
    size_t n;
    const struct metric_row *row = metrics_rows(&n);
    for (size_t i = 0; i < n; i++) {
        test_context(row[i].figure);
        CHECK(row[i].source != source || m.has[i]);
    }
    test_context(NULL);
    CHECK_INT(m.unknown, 0);
}

static void name_unknown(void *ctx, const char *name, uint64_t value)
{
    uint64_t before = m.unknown;
    metrics_figure(ctx, name, value);
    test_context(name);
    CHECK_INT(m.unknown, before);
    test_context(NULL);
}

static void test_every_figure_has_a_row(void)
{
    const struct env *env = world();
    static struct directory dir;
    struct engine_config config = {.directory = &dir};
    struct net_stats net = {0};
    struct kit_store store;
    struct keeping keeping = {0};
    m = (struct metrics){0};

    CHECK_INT(directory_init(&dir, env, &(struct str){"x", 1}, 1), 0);
    struct engine *e = engine_new(env, &config, 1000);
    REQUIRE(e != NULL);
    engine_each_stat(e, name_unknown, &(struct metrics_from){&m, METRIC_ENGINE});
    check_all_of(METRIC_ENGINE);
    engine_request_time(e, &m.duration[METRIC_CSTA_REQUEST]);
    CHECK_INT(m.duration[METRIC_CSTA_REQUEST].count, 0);
    engine_free(e);
    directory_fini(&dir);

    metrics_net_stats(&net, name_unknown, &(struct metrics_from){&m, METRIC_NET});
    check_all_of(METRIC_NET);

    kit_store_make(&store);
    kit_store_up(&store);
    keeping.store = store.st;
    keeping.hold = hold_new(env, store.st, 0);
    keeping_each_stat(&keeping, name_unknown, &(struct metrics_from){&m, METRIC_STORE});
    check_all_of(METRIC_STORE);
    hold_free(keeping.hold);
    kit_store_down(&store);

    metrics_process(&m);
    check_all_of(METRIC_PROCESS);
}

static void fill(void)
{
    size_t n;
    (void)metrics_rows(&n);
    m = (struct metrics){0};
    for (size_t i = 0; i < n; i++) {
        m.has[i] = true;
        m.value[i] = 1000000 + i;
    }
    for (size_t i = 0; i < METRIC_DURATIONS; i++) {
        m.has_duration[i] = true;
        histogram_add(&m.duration[i], 50);
        histogram_add(&m.duration[i], 100);
        histogram_add(&m.duration[i], 101);
        histogram_add(&m.duration[i], 400000000);
    }
}

static const char *text(void)
{
    static char buf[65536];
    struct out o;
    out_init(&o, buf, sizeof(buf) - 1);
    metrics_write(&o, &m, "1.2");
    CHECK(!o.over);
    buf[o.n] = '\0';
    return buf;
}

static bool is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!((s[i] >= 'a' && s[i] <= 'z') || s[i] == '_' || (i > 0 && s[i] <= '9'))) {
            return false;
        }
    }
    return n > 0;
}

static void test_names_keep_the_rules(void)
{
    size_t n;
    const struct metric_row *row = metrics_rows(&n);
    for (size_t i = 0; i < n; i++) {
        const char *name = row[i].name;
        if (name == NULL) {
            continue;
        }
        size_t len = strlen(name);
        bool first = i == 0 || row[i - 1].name == NULL || strcmp(row[i - 1].name, name) != 0;
        bool total = len > 6 && strcmp(name + len - 6, "_total") == 0;
        test_context(name);
        CHECK(is_name(name, len));
        CHECK(strncmp(name, "baton_", 6) == 0 ||
              (row[i].source == METRIC_PROCESS && strncmp(name, "process_", 8) == 0));
        CHECK_INT(total, row[i].kind == METRIC_COUNTER);
        CHECK_INT(first, row[i].help != NULL);
        CHECK(row[i].help == NULL || row[i].help[strlen(row[i].help) - 1] == '.');
        CHECK(strstr(name, "_us_") == NULL && strstr(name, "_ms") == NULL &&
              strstr(name, "octets") == NULL);
        for (size_t k = 0; k < i; k++) { /* together, of one kind, and each series once */
            if (row[k].name != NULL && strcmp(row[k].name, name) == 0) {
                CHECK_INT(row[k].kind, row[i].kind);
                CHECK(!first);
                CHECK(row[k].labels != NULL && row[i].labels != NULL &&
                      strcmp(row[k].labels, row[i].labels) != 0);
            }
            CHECK(row[k].source != row[i].source || strcmp(row[k].figure, row[i].figure) != 0);
        }
    }
    test_context(NULL);
}

static void test_the_text(void)
{
    fill();
    const char *all = text();
    CHECK(strncmp(all, "# HELP baton_build_info ", 24) == 0);
    CHECK(strstr(all, "\nbaton_build_info{version=\"1.2\"} 1\n") != NULL);
    CHECK(
        strstr(all, "# HELP baton_calls Calls now.\n# TYPE baton_calls gauge\nbaton_calls ") !=
        NULL);
    CHECK(strstr(all, "\nbaton_routed_requests_total{action=\"proxy\"} ") != NULL);
    CHECK_INT(test_count(all, "# TYPE baton_routed_requests_total counter\n"), 1);
    CHECK(strstr(all, "\nprocess_cpu_seconds_total 1.000") != NULL);
    CHECK(strstr(all, "\nbaton_store_commit_duration_seconds_bucket{le=\"0.0001\"} 2\n") !=
          NULL);
    CHECK(strstr(all, "\nbaton_store_commit_duration_seconds_bucket{le=\"0.00025\"} 3\n") !=
          NULL);
    CHECK(strstr(all, "\nbaton_store_commit_duration_seconds_bucket{le=\"30\"} 3\n") != NULL);
    CHECK(strstr(all, "\nbaton_store_commit_duration_seconds_bucket{le=\"+Inf\"} 4\n") != NULL);
    CHECK(strstr(all, "\nbaton_store_commit_duration_seconds_sum 400.000251\n") != NULL);
    CHECK(strstr(all, "\nbaton_store_commit_duration_seconds_count 4\n") != NULL);
    CHECK(all[strlen(all) - 1] == '\n');
    CHECK_INT(test_count(all, "\n# HELP"), test_count(all, "\n# TYPE") - 1);
    size_t series = test_count(all, "\n") - 2 * (test_count(all, "\n# HELP") + 1);
    CHECK(series < 400); /* fixed when compiled: nobody's devices or calls become labels */
}

static void test_what_is_not_known_is_left_out(void)
{
    m = (struct metrics){0};
    metrics_figure(&(struct metrics_from){&m, METRIC_ENGINE}, "peers_down", 3);
    metrics_figure(&(struct metrics_from){&m, METRIC_ENGINE}, "no such figure", 3);
    const char *all = text();
    CHECK_INT(m.unknown, 1);
    CHECK(strstr(all, "# HELP baton_peers Peers now.\n# TYPE baton_peers gauge\n"
                      "baton_peers{state=\"down\"} 3\n") != NULL);
    CHECK(strstr(all, "duration") == NULL);
}

static void test_the_process(void)
{
    m = (struct metrics){0};
    metrics_process(&m);
    const char *all = text();
    const char *at = strstr(all, "\nprocess_open_fds ");
    REQUIRE(at != NULL);
    CHECK(strtoul(at + strlen("\nprocess_open_fds "), NULL, 10) >= 3);
    at = strstr(all, "\nprocess_start_time_seconds ");
    REQUIRE(at != NULL);
    double began = strtod(at + strlen("\nprocess_start_time_seconds "), NULL);
    CHECK(began > (double)time(NULL) - 600 && began < (double)time(NULL) + 2);
    at = strstr(all, "\nprocess_resident_memory_bytes ");
    REQUIRE(at != NULL);
    CHECK(strtoul(at + strlen("\nprocess_resident_memory_bytes "), NULL, 10) > 100000);
}

TEST_MAIN(T(test_every_figure_has_a_row), T(test_names_keep_the_rules), T(test_the_text),
          T(test_what_is_not_known_is_left_out), T(test_the_process))
