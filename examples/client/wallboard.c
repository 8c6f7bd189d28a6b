/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wallboard: how many calls wait and stand, and how many agents are ready, whenever that
 * changes.
 *
 *     wallboard        $BATON_URL, $BATON_TOKEN
 *
 * An event says that something has changed; what there is now is asked for. So nothing has to
 * be counted along, and events that are gone (a gap) do no harm.
 */
#include <baton/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void look(struct baton_client *c, char *line, size_t cap)
{
    json_t *calls = baton_list(c, "/v1/calls", NULL),
           *agents = baton_list(c, "/v1/agents", NULL);
    int waiting = 0, standing = 0, ready = 0;
    json_t *one;
    size_t i;

    json_array_foreach(calls, i, one)
    {
        bool answered = baton_text(one, "answered")[0] != '\0';
        standing += answered;
        waiting += !answered;
    }
    json_array_foreach(agents, i, one)
    {
        ready += strcmp(baton_text(one, "agentState"), "agentReady") == 0;
    }
    snprintf(line, cap, "%d waiting, %d standing, %d ready", waiting, standing, ready);
    json_decref(calls);
    json_decref(agents);
}

int main(void)
{
    struct baton_config config = {.url = getenv("BATON_URL"), .token = getenv("BATON_TOKEN")};
    struct baton_client *c = baton_client_new(&config, NULL);
    struct baton_filter from_now = {.from = "snapshot"};
    char line[80], shown[80] = "";

    struct baton_stream *s = c != NULL ? baton_stream_open(c, &from_now, NULL, NULL) : NULL;
    while (s != NULL && baton_stream_next(s, -1) != NULL) {
        while (baton_stream_next(s, 50) != NULL) { /* a burst of events is one change */
        }
        look(c, line, sizeof(line));
        if (strcmp(line, shown) != 0) {
            puts(strcpy(shown, line));
            fflush(stdout);
        }
    }
    fprintf(stderr, "it ends; $BATON_URL is the server, unix:/run/baton/api.sock\n");
    return 1;
}
