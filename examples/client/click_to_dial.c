/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Click-to-dial: the phone FROM calls TO, and what becomes of it is told until it is over.
 *
 *     click_to_dial FROM TO ["what the called one shall see"]        $BATON_URL, $BATON_TOKEN
 */
#include <baton/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct baton_config config = {.url = getenv("BATON_URL"), .token = getenv("BATON_TOKEN")};
    struct baton_problem why;
    struct baton_client *c = baton_client_new(&config, &why);
    struct baton_answer a;

    if (argc < 3 || c == NULL) {
        fprintf(stderr, "usage: %s FROM TO [TEXT]: %s\n", argv[0], c == NULL ? why.detail : "");
        return 2;
    }
    /* without a click of its own the phone would first ask its user to pick up */
    json_t *more = json_pack("{s:s}", "autoOriginate", "doNotPrompt");
    if (argc > 3) {
        json_object_set_new(more, "userData", baton_user_data(argv[3]));
    }
    if (baton_make_call(c, argv[1], argv[2], more, &a) != BATON_OK) {
        fprintf(stderr, "no call: %s\n", a.problem.detail);
        return 1;
    }
    char call[64];
    snprintf(call, sizeof(call), "%s", baton_text(a.result, "callingDevice.callID"));
    baton_answer_free(&a);
    printf("call %s\n", call);

    struct baton_stream *s = baton_stream_open(
        c, &(struct baton_filter){.from = "earliest", .call = call}, NULL, NULL);
    const struct baton_event *e;
    while ((e = baton_stream_next(s, -1)) != NULL && strcmp(e->type, "callCleared") != 0) {
        if (strcmp(e->type, "delivered") == 0) {
            printf("%s rings\n", e->device);
        } else if (strcmp(e->type, "established") == 0) {
            printf("%s has answered\n", e->device);
        }
        fflush(stdout);
    }
    printf("over\n");
    baton_client_free(c);
    return 0;
}
