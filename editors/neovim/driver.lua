-- What a person does in Neovim who writes journeys, with the settings of docs/guide/editors.md. It is told the folder of a
-- workspace that `lotse new` made.
local folder = vim.env.LOTSE_WORKSPACE
local patience = 20000

local function fail(what)
  io.stdout:write('not ok ' .. what .. '\n')
  vim.cmd('cquit 1')
end

local function until_(what, look)
  if not vim.wait(patience, look, 20) then
    fail(what .. '\n' .. vim.inspect(vim.diagnostic.get()))
  end
  io.stdout:write('ok ' .. what .. '\n')
end

local function check(what, holds, seen)
  if not holds then
    fail(what .. ': ' .. vim.inspect(seen))
  end
  io.stdout:write('ok ' .. what .. '\n')
end

vim.cmd.edit(folder .. '/welcome.journey')
local buffer = vim.api.nvim_get_current_buf()
local function text()
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
end
local function line_of(part)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, -1, false)) do
    local column = line:find(part, 1, true)
    if column then
      return number - 1, column - 1, line
    end
  end
  fail('the text has ' .. part)
end
local function replace(part, by)
  local row, column = line_of(part)
  vim.api.nvim_buf_set_text(buffer, row, column, row, column + #part, { by })
end

check('the file is a journey', vim.bo.filetype == 'journey', vim.bo.filetype)
until_('the server attaches', function()
  return #vim.lsp.get_clients({ bufnr = buffer, name = 'lotse' }) == 1
end)
local client = vim.lsp.get_clients({ bufnr = buffer, name = 'lotse' })[1]
local function ask(method, part, more)
  local row, column = line_of(part)
  local at = { textDocument = vim.lsp.util.make_text_document_params(buffer), position = { line = row, character = column + #part } }
  local answer, why = client:request_sync(method, vim.tbl_extend('force', at, more or {}), patience, buffer)
  check('an answer to ' .. method, answer and not answer.err and answer.result ~= nil and answer.result ~= vim.NIL, answer or why)
  return answer.result
end

local before = text()
replace('send email welcome', 'send email welcom')
until_('a mistake is found', function()
  return vim.iter(vim.diagnostic.get(buffer)):any(function(found)
    return found.code == 'E101'
  end)
end)
replace('send email welcom', 'send email welcome')
until_('and gone when it is mended', function()
  return #vim.diagnostic.get(buffer, { severity = vim.diagnostic.severity.ERROR }) == 0
end)
check('the text is what it was', text() == before, text())

local items = ask('textDocument/completion', 'send email ')
local labels = vim.iter(items.items or items):map(function(item)
  return item.label
end)
check('completion knows the messages', vim.tbl_contains(labels:totable(), 'welcome'), items)
ask('textDocument/hover', 'wait up')
local found = ask('textDocument/definition', 'send email ')
check('the definition is in another file', vim.inspect(found):find('messages.journey', 1, true), found)

local change = ask('textDocument/rename', 'send email ', { newName = 'greeting_mail' })
vim.lsp.util.apply_workspace_edit(change, client.offset_encoding)
check('a name changes here', text():find('send email greeting_mail', 1, true), text())
local messages = table.concat(vim.fn.getbufline(vim.fn.bufnr(folder .. '/messages.journey'), 1, '$'), '\n')
check('and where it is declared', messages:find('email greeting_mail', 1, true), messages)

replace('send email greeting_mail', 'send   email    greeting_mail')
vim.cmd.write()
check('a text is laid out when it is written', text():find('send email greeting_mail', 1, true), text())

local parser = vim.treesitter.get_parser(buffer, 'journey')
check('the grammar reads the file', not parser:parse()[1]:root():has_error(), text())
for _, query in ipairs({ 'highlights', 'folds', 'indents', 'injections' }) do
  check('the query ' .. query .. ' is read', vim.treesitter.query.get('journey', query) ~= nil)
end
check('the text folds', vim.fn.foldlevel(line_of('stage greeting') + 2) > 0)

-- What stands above a line is done with one key.
local function lens(part, title)
  local row = line_of(part)
  until_('above ' .. part .. ' stands ' .. title, function()
    return vim.iter(vim.lsp.codelens.get(buffer)):any(function(found)
      return found.range.start.line == row and found.command.title == title
    end)
  end)
  vim.api.nvim_win_set_cursor(0, { row + 1, 0 })
  vim.api.nvim_feedkeys('grl', 'mx', false)
end
local opened, told = nil, {}
vim.ui.open = function(path)
  opened = path
  return {}
end
vim.notify = function(text)
  table.insert(told, text)
end
lens('journey welcome', 'Show picture')
until_('the picture opens', function()
  return opened ~= nil
end)
check('it is a picture', table.concat(vim.fn.readfile(opened)):find('^<svg.*</svg>$'), opened)
vim.ui.open = function()
  return nil, 'there is nothing that shows pictures'
end
lens('journey welcome', 'Show picture')
until_('where nothing can show it, its place is told', function()
  return vim.iter(told):any(function(text)
    return text:find('^the picture is in .*%.svg$')
  end)
end)
lens('test "two mails', '▷ Run')
until_('a test says how it went', function()
  return vim.tbl_contains(told, 'the test passes')
end)
replace('expect outcome greeted', 'expect outcome tired')
replace('end as greeted', 'if contact.first_name is not set { end as tired } end as greeted')
lens('test "two mails', '▷ Run')
until_('and what was otherwise', function()
  return vim.iter(told):any(function(text)
    return text:find('but the journey has ended with `greeted`', 1, true)
  end)
end)

-- A workspace begins with one file, which is not written yet.
local empty = vim.fn.tempname()
vim.fn.mkdir(empty, 'p')
vim.cmd('edit! ' .. empty .. '/lotse.yaml')
until_('new settings have the server', function()
  return #vim.lsp.get_clients({ bufnr = 0, name = 'lotse' }) == 1
end)
vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'senders:', '  shop: { from: "Shop <shop@example.com>" }' })
vim.cmd.write()
check('and keep it when they are written', #vim.lsp.get_clients({ bufnr = 0, name = 'lotse' }) == 1)
vim.cmd.edit(empty .. '/hello.journey')
buffer = vim.api.nvim_get_current_buf()
vim.api.nvim_buf_set_lines(buffer, 0, -1, false, { 'email hello {', '  from shop', '}' })
until_('a journey beside them has it too', function()
  return #vim.lsp.get_clients({ bufnr = buffer, name = 'lotse' }) == 1
end)
client = vim.lsp.get_clients({ bufnr = buffer, name = 'lotse' })[1]
items = ask('textDocument/completion', 'from ')
labels = vim.iter(items.items or items):map(function(item)
  return item.label
end)
check('and knows their senders', vim.tbl_contains(labels:totable(), 'shop'), items)
io.stdout:write('1 passed, 0 failed\n')
vim.cmd('qall!')
