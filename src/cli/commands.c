/* SPDX-License-Identifier: Apache-2.0 */
/* The list of commands: see commands.h. */
#include "cli/commands.h"
#include "base/attr.h"
#include "cli/admin_cmd.h"
#include "cli/ask_cmd.h"
#include "cli/call_cmd.h"
#include "cli/completion_cmd.h"
#include "cli/csta_cmd.h"
#include "cli/diagnose_cmd.h"
#include "cli/events_cmd.h"
#include "cli/history_cmd.h"
#include "cli/number_cmd.h"
#include "cli/phone.h"
#include "cli/profile_cmd.h"
#include "cli/refer_cmd.h"
#include "cli/reload_cmd.h"
#include "cli/route_cmd.h"
#include "cli/serve.h"
#include "cli/token_cmd.h"
#include "cli/upgrade_cmd.h"
#include "cli/uui_cmd.h"

const struct command commands[] = {
    {&help_serve, cmd_serve},       {&help_phone, cmd_phone},
    {&help_csta, cmd_csta},         {&help_refer, cmd_refer},
    {&help_uui, cmd_uui},           {&help_route, cmd_route},
    {&help_number, cmd_number},     {&help_profiles, cmd_profiles},
    {&help_diagnose, cmd_diagnose}, {&help_reload, cmd_reload},
    {&help_history, cmd_history},   {&help_status, cmd_ask},
    {&help_devices, cmd_ask},       {&help_device, cmd_ask},
    {&help_calls, cmd_ask},         {&help_sessions, cmd_ask},
    {&help_monitors, cmd_ask},      {&help_agents, cmd_ask},
    {&help_peers, cmd_ask},         {&help_registrations, cmd_ask},
    {&help_listeners, cmd_ask},     {&help_subscribers, cmd_ask},
    {&help_upgrade, cmd_upgrade},   {&help_call, cmd_call},
    {&help_events, cmd_events},     {&help_trace, cmd_trace},
    {&help_log, cmd_admin},         {&help_drain, cmd_admin},
    {&help_undrain, cmd_admin},     {&help_backup, cmd_admin},
    {&help_restore, cmd_admin},     {&help_completion, cmd_completion},
    {&help_token, cmd_token},
};

const size_t command_count = ARRAY_LEN(commands);
