; Neovim reads @indent.begin and its like, Helix @indent and @outdent.
[
  (fields)
  (pairs)
  (survey_declaration)
  (policy_declaration)
  (message_body)
  (journey_body)
  (block)
  (wait_block)
  (experiment)
  (test_body)
  (test_contact)
  (list)
] @indent.begin @indent

["}" "]"] @indent.branch @indent.end @outdent
