/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Screen pop: when DEVICE rings, the address of the page to be shown, once per call. {text} in
 * the template is the User-to-User of the call, {caller} its number.
 *
 *     screen_pop DEVICE "https://crm.example/?case={text}&from={caller}"   $BATON_URL,
 * $BATON_TOKEN
 */
#include <baton/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void pop(const char *template, const char *text, const char *caller)
{
    char value[512];

    while (*template != '\0') {
        if (strncmp(template, "{text}", 6) == 0) {
            fputs(baton_path(value, sizeof(value), "%s", text), stdout);
            template += 6;
        } else if (strncmp(template, "{caller}", 8) == 0) {
            fputs(baton_path(value, sizeof(value), "%s", caller), stdout);
            template += 8;
        } else {
            putchar(*template ++);
        }
    }
    putchar('\n');
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct baton_config config = {.url = getenv("BATON_URL"), .token = getenv("BATON_TOKEN")};
    struct baton_client *c = baton_client_new(&config, NULL);
    char text[256], caller[64], last[64] = "";
    const struct baton_event *e;

    if (argc != 3 || c == NULL) {
        fprintf(stderr, "usage: %s DEVICE TEMPLATE; $BATON_URL is the server\n", argv[0]);
        return 2;
    }
    struct baton_filter rings = {.devices = argv[1], .types = "delivered"};
    struct baton_stream *s = baton_stream_open(c, &rings, NULL, NULL);
    while ((e = baton_stream_next(s, -1)) != NULL) {
        /* who observes a device is also told that others ring whom it calls */
        if (e->kind == BATON_EVENT && strcmp(e->device, argv[1]) == 0 &&
            strcmp(e->call, last) != 0) {
            snprintf(last, sizeof(last), "%s", e->call);
            pop(argv[2], baton_user_text(baton_at(e->csta, "userData"), text, sizeof(text)),
                baton_number(baton_at(e->csta, "callingDevice"), caller, sizeof(caller)));
        }
    }
    fprintf(stderr, "it ends: %s\n", baton_stream_problem(s)->detail);
    baton_client_free(c);
    return 1;
}
