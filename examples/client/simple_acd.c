/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simple ACD: calls to the routing device QUEUE go to agents who are ready, in turn; when
 * nobody is, where the server's rule has them (`ask` in docs/routing.md).
 *
 *     simple_acd QUEUE        $BATON_URL, $BATON_TOKEN
 */
#include <baton/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Who is ready and comes behind `last`, else the first who is; NULL: nobody. */
static const char *choose(struct baton_client *c, char last[64])
{
    json_t *agents = baton_list(c, "/v1/agents", NULL), *one;
    char best[64] = "", n[64];
    size_t i;

    json_array_foreach(agents, i, one)
    {
        baton_number(baton_at(one, "deviceID"), n, sizeof(n));
        bool behind = strcmp(n, last) > 0, better = strcmp(best, last) > 0;
        bool sooner = best[0] == '\0' || (behind == better ? strcmp(n, best) < 0 : behind);
        if (sooner && strcmp(baton_text(one, "agentState"), "agentReady") == 0) {
            strcpy(best, n);
        }
    }
    json_decref(agents);
    return best[0] != '\0' ? strcpy(last, best) : NULL;
}

int main(int argc, char **argv)
{
    struct baton_config config = {.url = getenv("BATON_URL"), .token = getenv("BATON_TOKEN")};
    struct baton_client *c = argc == 2 ? baton_client_new(&config, NULL) : NULL;
    struct baton_filter asks = {.types = "routeRequest,reRoute"};
    struct baton_stream *s = c != NULL ? baton_stream_open(c, &asks, NULL, NULL) : NULL;
    struct baton_answer a;
    char last[64] = ""; /* who was given a call last */

    while (s != NULL && baton_stream_problem(s) == NULL) {
        const struct baton_event *e = baton_stream_next(s, 2000);
        json_t *mine = e == NULL ? baton_list(c, "/v1/routes", NULL) : NULL;
        if (mine != NULL && json_array_size(mine) == 0) { /* none yet, or none any more */
            int failed = baton_route_register(c, argv[1], &a);
            printf("%s\n", failed ? a.problem.detail : "registered");
            baton_answer_free(&a);
        } else if (e != NULL && e->kind == BATON_EVENT) {
            const char *to = choose(c, last);
            baton_route_select(c, baton_text(e->csta, "crossRefIdentifier"), to, &a);
            printf("call %s: %s %s\n", e->call, to != NULL ? to : "nobody", a.problem.detail);
            baton_answer_free(&a);
        }
        json_decref(mine);
        fflush(stdout);
    }
    return fprintf(stderr, "usage: %s QUEUE; $BATON_URL is the server\n", argv[0]) > 0;
}
