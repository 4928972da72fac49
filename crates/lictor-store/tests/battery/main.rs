//! The battery: every promise of the `Store` trait as one small test, put to each backend.

#![expect(clippy::expect_used, reason = "a broken precondition fails the test")]

mod accounts;
mod choices;
mod clients;
mod clock;
mod effects;
mod ended;
mod given;
mod installation;
mod licenses;
mod looks;
mod model;
mod nodes;
mod pools;
mod quotas;
mod records;
mod seats;
mod sqlite;
mod usage;
mod writes;

/// Puts every promise to one backend, on a new store each.
macro_rules! battery {
    ($backend:ident, $open:path) => {
        battery! { @tests $backend, $open,
            licenses::what_was_written_is_read;
            licenses::what_was_removed_is_gone;
            licenses::nothing_there_is_an_empty_answer;
            licenses::one_of_many_adds_of_the_same_id_wins;
            licenses::updated_at_never_goes_back;
            licenses::pages_are_in_order_of_ids_and_stable;
            licenses::the_newest_come_first_and_ties_go_to_the_later_write;
            licenses::a_license_moves_to_the_application_of_its_new_document;
            licenses::the_same_document_may_stand_under_two_ids;
            licenses::those_that_have_ended_are_not_read;
            licenses::of_those_that_wait_the_newest_of_each_dates_are_read;
            licenses::a_page_ends_early_where_its_payloads_are_large;
            writes::a_refusal_changes_nothing;
            writes::a_stream_that_does_not_exist_takes_no_write;
            writes::deciding_nothing_writes_nothing;
            writes::the_refused_leave_no_trace_in_their_batch;
            writes::positions_have_no_gaps_under_many_writers;
            writes::writes_are_observed_before_anybody_is_answered;
            writes::writes_that_run_again_alone_are_observed_too;
            writes::entries_say_who_when_and_what;
            writes::a_faulty_rule_harms_nobody_else;
            writes::a_rule_removes_nothing_that_it_had_not_asked_for;
            writes::a_failing_record_takes_the_change_with_it;
            writes::nobody_waits_for_the_writes_of_another_organization;
            effects::a_record_of_what_is_not_there_is_a_fault;
            effects::what_may_be_gone_is_no_fault;
            installation::organizations_are_listed_by_key;
            installation::a_removed_organization_is_gone_and_its_key_free;
            installation::nothing_follows_a_removal_in_its_batch;
            installation::trust_and_policy_are_kept;
            installation::a_rule_sees_the_facts_it_asked_for;
            installation::tokens_are_found_by_their_secret;
            installation::tokens_come_in_pages;
            installation::only_keys_and_the_policy_move_what_trust_rests_on;
            usage::the_greatest_count_stays;
            usage::counts_of_a_source_are_put_to_another;
            usage::the_largest_count_is_kept_exactly;
            usage::counts_come_in_pages_and_their_sums_at_once;
            usage::counts_of_many_writers_never_pass_the_largest_sum;
            usage::a_running_total_is_remembered_as_long_as_it_is_reported;
            usage::a_correction_is_an_entry_that_no_report_undoes;
            records::an_answer_is_kept_with_its_write;
            records::the_answer_of_a_request_in_parts_is_kept_with_the_last;
            records::a_refused_write_keeps_no_answer;
            records::a_twin_writes_nothing;
            records::one_of_many_twins_is_answered;
            records::an_answer_ends_after_a_day;
            records::a_name_that_is_to_go_goes_from_the_kept_answers_too;
            records::a_faulty_answer_takes_the_change_with_it;
            clock::a_moment_is_saved_with_the_first_write_of_its_second;
            clock::a_refused_write_saves_no_moment;
            accounts::an_account_is_found_by_id_and_by_any_spelling_of_its_email;
            accounts::a_removed_account_keeps_its_id_alone;
            accounts::accounts_come_in_pages;
            accounts::two_accounts_never_have_one_email;
            accounts::a_token_knows_its_owner;
            seats::an_account_has_one_seat_of_an_application;
            seats::the_limit_holds_under_many_writers;
            seats::over_use_is_granted_where_it_is_allowed;
            seats::a_smaller_limit_takes_no_seat_away;
            seats::deactivation_gives_the_seats_back;
            seats::a_refusal_is_kept_with_its_figures;
            seats::refusals_of_a_minute_are_one;
            seats::terms_that_are_out_of_date_decide_nothing;
            seats::a_holder_gets_the_same_lease_with_a_greater_fence;
            seats::a_fence_keeps_an_older_self_out;
            seats::a_lease_ends_with_its_time;
            seats::a_faulty_rule_cannot_pass_the_limit;
            ended::an_ended_lease_is_kept_whatever_ended_it;
            ended::ended_leases_come_in_pages_and_are_found_by_holder_and_time;
            ended::refusals_are_summed_by_hour_and_reason;
            ended::a_refusal_knows_its_first_and_its_last_position;
            ended::a_forgotten_holder_leaves_records_without_a_name;
            ended::a_holder_with_a_lease_is_not_forgotten;
            ended::much_of_a_holder_is_forgotten_in_parts;
            ended::old_ended_leases_are_dropped_and_the_others_stay;
            ended::what_ended_in_a_removed_organization_goes_with_it;
            choices::a_choice_sees_all_licenses_at_one_instant;
            choices::a_choice_ends_where_it_wants_no_more;
            choices::a_look_sees_all_licenses_at_one_instant;
            choices::what_a_look_fails_with_is_told;
            choices::a_rule_sees_the_licenses_written_since_and_how_far_back;
            ended::names_in_a_removed_organization_are_erased;
            clients::a_client_is_found_by_what_it_calls_itself;
            clients::an_access_token_is_one_of_its_clients;
            clients::a_code_is_used_once;
            clients::what_rests_on_a_grant_dies_with_it;
            clients::an_access_token_ends_alone;
            nodes::a_node_is_enrolled_joins_and_is_revoked;
            nodes::nothing_there_is_no_node;
            nodes::two_live_nodes_never_have_one_name;
            nodes::a_name_is_free_after_a_revocation;
            nodes::a_place_is_taken_by_who_joined_or_still_can;
            nodes::the_limit_holds_under_many_enrollments;
            nodes::a_node_is_found_by_its_token_and_by_its_credential;
            nodes::a_node_of_a_removed_organization_is_not_found;
            nodes::other_organizations_see_no_node;
            nodes::nodes_come_in_pages;
            pools::places_are_taken_given_back_and_taken_again;
            pools::the_nodes_of_pools_are_found_with_when_they_were_heard_of;
            pools::a_node_that_left_is_removed_and_its_counts_are_its_pools;
            pools::many_counts_of_a_node_become_its_pools_part_by_part;
            pools::nodes_that_left_are_due_by_their_age_or_where_they_are_too_many;
            pools::a_node_that_left_is_found_by_its_name_and_can_be_revoked;
            nodes::what_a_node_said_last_stays;
            nodes::a_rule_sees_the_nodes_it_asked_for;
            nodes::a_rule_sees_how_many_nodes_there_are;
            nodes::the_settings_are_the_default_until_they_are_set;
            nodes::an_adoption_raises_the_revision;
            nodes::a_raise_that_is_too_large_is_refused;
            nodes::a_rule_that_saw_no_settings_overwrites_none;
            nodes::a_rotation_is_kept_with_its_key;
            quotas::a_quota_holds_under_many_writers;
            quotas::replacing_meets_no_quota;
            quotas::refusals_beyond_are_merged_without_holders;
            quotas::of_ended_leases_beyond_the_oldest_go_and_are_counted;
            quotas::beyond_the_entries_of_a_day_what_takes_away_goes_on;
            quotas::usage_of_months_that_passed_is_counted_as_one;
            quotas::an_answer_that_cannot_be_kept_has_its_time;
            quotas::codes_of_ten_minutes_are_counted_used_or_not;
            quotas::tokens_that_expired_give_way;
            quotas::a_limit_that_is_so_already_is_no_entry;
        }
    };
    (@tests $backend:ident, $open:path, $($group:ident :: $promise:ident;)*) => {
        mod $backend {
            proptest::proptest! {
                #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

                #[test]
                fn reads_are_what_the_changes_say(steps in crate::model::steps()) {
                    let runtime = tokio::runtime::Builder::new_multi_thread()
                        .worker_threads(2)
                        .build()
                        .expect("a runtime");
                    runtime.block_on(crate::model::reads_are_what_the_changes_say($open(), steps));
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn nothing_passes_its_quota() {
                crate::quotas::nothing_passes_its_quota($open).await;
            }

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$group::$promise($open()).await;
                }
            )*
        }
    };
}

battery!(on_sqlite, crate::sqlite::open_in_memory);
