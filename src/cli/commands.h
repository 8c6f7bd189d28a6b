/* SPDX-License-Identifier: Apache-2.0 */
/* The commands there are, in the order in which help shows them. */
#ifndef BATON_CLI_COMMANDS_H
#define BATON_CLI_COMMANDS_H

#include "cli/serve.h"
#include "cli/uui_cmd.h"
#if BATON_CMD_PHONE
#include "cli/phone.h"
#define COMMAND_PHONE {&help_phone, cmd_phone},
#else
#define COMMAND_PHONE
#endif
#if BATON_CMD_CSTA
#include "cli/csta.h"
#define COMMAND_CSTA {&help_csta, cmd_csta},
#else
#define COMMAND_CSTA
#endif

#define COMMANDS                                         \
    {&help_serve, cmd_serve}, COMMAND_PHONE COMMAND_CSTA \
    {                                                    \
        &help_uui, cmd_uui                               \
    }

#endif
