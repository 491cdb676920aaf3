-- Spreads the tables of `migrations/postgres` over the nodes of a Citus cluster: run once, behind `lotse migrate`, on
-- the coordinator. What is a contact's lies where its slot is; what is everybody's, and small, lies on every node.
-- What runs on it so far, and what does not, is said in docs/guide/scaling.md.
CREATE EXTENSION IF NOT EXISTS citus;

SELECT create_distributed_table('contact', 'slot', shard_count := 256);
SELECT create_distributed_table('identity', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('suppression', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('permission', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('event', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('run', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('watch', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('history', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('message', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('call', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('lead', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('goal', 'slot', colocate_with := 'contact');
SELECT create_distributed_table('tally', 'slot', colocate_with := 'contact');

SELECT create_reference_table('quarantine');
SELECT create_reference_table('version');
SELECT create_reference_table('deployment');
SELECT create_reference_table('watching');
SELECT create_reference_table('moving');
SELECT create_reference_table('picked');
SELECT create_reference_table('audit');
SELECT create_reference_table('token');
SELECT create_reference_table('hold');
SELECT create_reference_table('workspace');
