; Subjects, texts and alerts are templates.
((message_setting
  key: (name) @_key
  value: (text (text_content) @injection.content))
  (#any-of? @_key "subject" "preheader" "body" "text" "title")
  (#set! injection.language "jinja"))

((alert (text (text_content) @injection.content))
  (#set! injection.language "jinja"))
