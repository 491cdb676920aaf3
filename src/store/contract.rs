//! What every store promises, one suite for all of them: each test is a function over a store, and runs for
//! each kind with one that is fresh.

#[macro_use]
pub(super) mod fixture;
mod aside;
mod calls;
mod importing;
mod intake;
mod lists;
mod merging;
mod messages;
mod operating;
mod sending;
mod turns;
mod units;
mod watching;

/// Makes a test of each function for each store. A function that is forgotten here is one that is never used,
/// and the compiler says so.
macro_rules! for_every_store {
    ($($module:ident { $($test:ident)* })*) => {
        where_one_process_works! { $($module { $($test)* })* }
        mod postgres {
            $(mod $module {
                $(#[tokio::test]
                async fn $test() {
                    let Some(database) = crate::store::postgres::testing::Fresh::new().await else { return };
                    crate::store::contract::$module::$test(&database.store().await).await;
                })*
            })*
        }
    };
}

/// The same for what holds only where no other process can be at work.
macro_rules! where_one_process_works {
    ($($module:ident { $($test:ident)* })*) => {
        mod memory {
            $(mod $module {
                $(#[tokio::test]
                async fn $test() {
                    crate::store::contract::$module::$test(&crate::store::memory::MemoryStore::new()).await;
                })*
            })*
        }
        mod sqlite {
            $(mod $module {
                $(#[tokio::test]
                async fn $test() {
                    let file = crate::store::sqlite::testing::File::new();
                    crate::store::contract::$module::$test(&file.store().await).await;
                })*
            })*
        }
    };
}

for_every_store! {
    units {
        what_is_committed_is_there
        what_is_dropped_is_gone
        a_reader_sees_one_state
        a_new_version_wakes_those_inside_others
    }
    turns {
        a_turn_records_permissions
        a_state_is_what_is_known_of_a_contact
        a_state_has_the_ended_runs_whose_goals_are_open
        a_state_has_what_happened_before
        a_state_has_the_latest_of_many_events
        states_come_as_they_were_asked_for
        what_turns_lead_to_is_recorded
        a_turn_goes_onto_the_one_it_was_made_from
        a_turn_of_an_event_that_was_looked_at_is_overtaken
        a_run_enters_once
        a_goal_is_reached_once
        contacts_change_with_their_turns
        turns_are_counted
        experiments_are_counted_by_the_hour
        events_of_our_own_wait_to_be_looked_at
        whoever_waits_for_a_plan_is_left_with_all_that_is_theirs
    }
    intake {
        arrivals_are_stored_once
        a_repeat_within_a_batch_is_one
        an_alias_is_no_event
        names_find_their_contact
        an_address_of_somebody_else_is_dropped
        what_machines_do_is_kept_and_waits_for_nobody
        events_are_added_once
        decisions_are_kept_and_told_of
        what_was_said_last_holds_whatever_the_clocks_say
        of_two_decisions_at_one_instant_the_refusal_holds
        what_cannot_be_taken_is_shown
        a_suppressed_address_stays_so_whoever_has_it
        a_new_address_is_not_suppressed
    }
    merging {
        a_device_becomes_its_owners_with_all_that_is_theirs
        names_that_were_not_at_hand_follow
        what_is_said_about_a_former_contact_is_said_about_the_present_one
        a_double_run_ends
        of_decisions_of_both_the_latest_holds
        a_repeat_after_a_merge_is_a_repeat
    }
    importing {
        a_file_adds_and_changes
        a_refusal_outlives_files
        an_address_of_somebody_else_is_a_conflict
        attributes_are_set_and_taken_away
        rows_about_one_person_are_one_person
    }
    watching {
        a_turn_without_a_look_leaves_the_watch
        those_who_were_there_are_looked_at_in_batches
        whoever_comes_is_looked_at_while_contacts_are_watched
        who_turns_out_to_be_another_is_looked_at_as_the_other
        deployments_are_told_in_order
    }
    messages {
        messages_are_claimed_when_they_are_due
        messages_of_versions_that_cannot_be_read_are_left
        messages_of_other_channels_keep_their_order
        a_message_comes_with_what_it_is_made_from
        the_gate_lets_go_what_is_allowed
        the_gate_stops_what_was_refused_meanwhile
        the_gate_stops_suppressed_addresses_whosoever_they_are
        what_is_not_sent_after_all_counts_as_skipped
        a_message_goes_once
        an_attempt_that_is_over_does_not_begin
        every_step_of_a_message_is_legal_or_does_nothing
        what_is_settled_is_kept
        an_attempt_counts_once
        what_never_began_stands_as_before_the_gate
        hand_overs_without_an_outcome_are_told
        settlements_of_one_message_go_in_order
        the_first_reaction_of_a_kind_counts
        a_retry_goes_at_once_and_through_the_gate
        what_was_let_go_and_did_not_go_is_due_again
    }
    sending {
        a_state_has_the_messages_that_caps_count
        the_messages_of_a_state_say_what_they_are
        a_message_that_is_put_off_was_not_tried
        what_is_unsure_is_sent_once_more
        what_may_have_gone_is_never_skipped
        hours_are_those_of_the_contact
        the_clock_that_a_message_went_by_is_kept
    }
    calls {
        calls_of_one_receiver_go_in_order
        alerts_are_calls
        calls_of_versions_that_cannot_be_read_are_left
        calls_under_way_are_not_taken_again
        nothing_is_taken_for_a_receiver_that_is_full
        what_is_sent_is_kept_once
        a_call_is_tried_until_it_is_dead
        an_attempt_of_a_call_counts_once
        a_dead_call_can_be_tried_again
        a_lead_is_answered_once
    }
    lists {
        deliveries_that_need_somebody_come_first
        contacts_come_in_pages
        the_latest_contacts_come_first
        the_last_events_come_first
        a_plan_has_one_number
        what_was_picked_stays
        the_latest_deployment_holds
        a_deployment_comes_behind_those_before_it
        access_is_given_and_taken
        what_is_due_next
        the_books_of_a_lived_in_store_balance
        books_hold_everything_of_a_page
        deeds_are_kept_the_latest_first
        tallies_are_of_a_journey_or_of_all
    }
    aside {
        what_waits_for_whoever_is_set_aside_is_taken_away
    }
    operating {
        what_is_held_keeps_its_state
        it_is_known_whose_journeys_are_in_force
        what_is_due_and_what_needs_somebody_is_counted
    }
}

mod alone {
    where_one_process_works! {
        units {
            one_writes_at_a_time
        }
        messages {
            an_unproved_hand_over_is_unsure
        }
        turns {
            a_claim_takes_due_runs_in_the_order_of_their_timers
            a_claim_takes_events_in_the_order_in_which_they_came
            a_claim_with_a_timer_has_all_events_of_its_contact
            a_claim_takes_so_many_events_of_a_contact_and_no_more
            timers_for_whose_events_there_is_no_room_wait
        }
        watching {
            a_look_has_all_events_of_its_contact
            whoever_is_due_is_looked_at
        }
    }
}

/// What only a database can have: rows that cannot be read, and rows of nobody.
macro_rules! where_rows_are_spoilt {
    ($($test:ident)*) => {
        mod spoilt {
            mod sqlite {
                $(#[tokio::test]
                async fn $test() {
                    let file = crate::store::sqlite::testing::File::new();
                    let store = file.store().await;
                    crate::store::contract::aside::$test(&store, async |sql| store.say(&sql).await).await;
                })*
            }
            mod postgres {
                $(#[tokio::test]
                async fn $test() {
                    let Some(database) = crate::store::postgres::testing::Fresh::new().await else { return };
                    let store = database.store().await;
                    crate::store::contract::aside::$test(&store, async |sql| store.say(&sql).await).await;
                })*
            }
        }
    };
}

/// Where a key is of a type that holds any bytes.
#[tokio::test]
async fn an_audit_names_keys_that_are_no_ids_and_goes_on() {
    let file = super::sqlite::testing::File::new();
    let store = file.store().await;
    aside::an_audit_names_keys_that_are_no_ids(&store, async |sql| store.say(&sql).await).await;
}

where_rows_are_spoilt! {
    whoever_cannot_be_read_holds_up_nobody
    an_audit_tells_what_cannot_be_read_and_goes_on
    an_audit_finds_rows_of_nobody_wherever_they_are
    what_comes_in_for_whoever_cannot_be_read_is_taken
    an_audit_balances_without_the_steps_of_those_who_have_ended
}
