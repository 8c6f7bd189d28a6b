/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone does with the Refer-To of a REFER (RFC 7433 §4.1), with baton/uui.h:
 *
 *     refer_to '<sip:agent@example.com?User-to-User=0448%3Bencoding%3Dhex>'
 *
 * takes the value out of the URI, judges it, and prints the header line of the INVITE to
 * send. A value that its receiver would have to refuse is told, and not sent.
 */
#include <baton/uui.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    char value[2048];
    unsigned char octets[2048];
    struct baton_uui_value parsed;
    enum baton_uui_rule why = BATON_UUI_RULE_NONE;
    size_t len, at = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: %s REFER-TO\n", argv[0]);
        return 2;
    }
    int rc =
        baton_uui_from_uri(argv[1], strlen(argv[1]), value, sizeof(value), &len, &why, &at);
    if (rc != 0) {
        fprintf(stderr, "%s (%s), at octet %zu\n", baton_uui_rule_text(why),
                baton_uui_rule_source(why), at);
        return 1;
    }
    if (len == 0) {
        printf("no User-to-User\n");
        return 0;
    }
    if (baton_uui_parse(value, len, octets, sizeof(octets), &parsed) != 0) {
        fprintf(stderr, "too long\n");
        return 1;
    }
    if (parsed.verdict != BATON_UUI_VALID) {
        fprintf(stderr, "%s: %s (%s), at octet %zu\n", baton_uui_verdict_text(parsed.verdict),
                baton_uui_rule_text(parsed.rule), baton_uui_rule_source(parsed.rule),
                parsed.at);
        return 1;
    }
    printf("User-to-User: %.*s\n", (int)len, value);
    return 0;
}
