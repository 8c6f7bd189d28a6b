/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trigger of a call recorder: when to record which call of which devices. It keeps its
 * place in FILE, so that it goes on where it was after a restart, of itself or of the server.
 *
 *     recorder FILE "10*"        $BATON_URL, $BATON_TOKEN
 */
#include <baton/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *type, *what;
} rules[] = {{"established", "start"},
             {"held", "pause"},
             {"retrieved", "go on"},
             {"callCleared", "stop"}};

int main(int argc, char **argv)
{
    struct baton_config config = {.url = getenv("BATON_URL"), .token = getenv("BATON_TOKEN")};
    struct baton_client *c = argc == 3 ? baton_client_new(&config, NULL) : NULL;
    const struct baton_event *e;
    char place[32];

    if (c == NULL) {
        fprintf(stderr, "usage: %s FILE DEVICES; $BATON_URL is the server\n", argv[0]);
        return 2;
    }
    FILE *f = fopen(argv[1], "r");
    if (f == NULL || fscanf(f, "%31s", place) != 1) {
        strcpy(place, "now");
    }
    if (f != NULL) {
        fclose(f);
    }
    struct baton_filter filter = {
        .from = place, .devices = argv[2], .types = "established,held,retrieved,callCleared"};
    struct baton_stream *s = baton_stream_open(c, &filter, NULL, NULL);
    while ((e = baton_stream_next(s, -1)) != NULL) {
        for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
            if (strcmp(e->type, rules[i].type) == 0) {
                printf("%s %s\n", rules[i].what, e->call);
            }
        }
        if (e->kind == BATON_GAP) {
            printf("events are missing: look at the calls that stand\n");
        }
        fflush(stdout);
        f = fopen(argv[1], "w"); /* what was done is not done again */
        if (f == NULL || fprintf(f, "%s\n", e->sequence) < 0 || fclose(f) != 0) {
            perror(argv[1]);
        }
    }
    fprintf(stderr, "it ends: %s\n", baton_stream_problem(s)->detail);
    return 1;
}
