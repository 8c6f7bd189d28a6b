/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read the User-to-User header of a message with baton/uui.h:
 *
 *     decode '04C8034B3D31;encoding=hex, 7B7D;encoding=hex;purpose=other'
 *
 * prints what each value is and, when a receiver must not use it, why.
 */
#include <baton/uui.h>
#include <stdio.h>
#include <string.h>

enum { VALUES = 16, OCTETS = 4096 };

static void print_value(const struct baton_uui_value *v)
{
    printf("%.*s\n  %s", (int)v->text_len, v->text, baton_uui_verdict_text(v->verdict));
    if (v->verdict != BATON_UUI_VALID) {
        printf(": %s (%s), at octet %zu\n", baton_uui_rule_text(v->rule),
               baton_uui_rule_source(v->rule), v->at);
        return;
    }
    int pd = baton_uui_discriminator(v);
    if (pd >= 0) {
        printf(", %s", baton_uui_discriminator_text((uint8_t)pd));
    }
    printf(":");
    for (size_t i = 0; i < v->octets_len; i++) {
        printf(" %02X", v->octets[i]);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    struct baton_uui_value values[VALUES];
    unsigned char octets[OCTETS];
    size_t n;
    if (argc != 2) {
        fprintf(stderr, "usage: %s HEADER-VALUE\n", argv[0]);
        return 2;
    }
    int rc = baton_uui_parse_list(argv[1], strlen(argv[1]), octets, sizeof(octets), values,
                                  VALUES, &n);
    if (rc < 0) {
        fprintf(stderr, "%s: too many values or octets\n", argv[0]);
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        print_value(&values[i]);
    }

    /* And the way back: "Hi" as IA5 text for the application at the other end. */
    struct baton_uui_format ia5 = {.has_pd = true, .pd = 0x04};
    char text[128];
    rc = baton_uui_encode("Hi", 2, &ia5, text, sizeof(text), NULL, NULL);
    if (rc == 0) {
        printf("an answer could be\n  User-to-User: %s\n", text);
    }
    return rc == 0 ? 0 : 1;
}
