local sioc = require "sioc"

return function(host)
  local nsp = host.io:of("/acks")
  local record = host.record
  host.serve(nsp, function(socket)
    -- answers to the client
    socket:on("one", function() return "yes" end)
    socket:on("none", function(ack) ack() end)
    socket:on("several", function(ack) ack(1, "two", { 3 }, { four = 4 }, sioc.null) end)
    socket:on("binary", function(ack) ack(sioc.binary("\1\2"), { deep = sioc.binary("x") }) end)
    socket:on("back", function(...)
      local args, ack = host.split(...)
      ack(host.unpack(args))
    end)
    socket:on("twice", function(ack) ack(1) ack(2) socket:emit("done") end)
    socket:on("late", function(seconds, ack) sioc.sleep(seconds) ack(seconds) end)
    socket:on("never", function() end)
    socket:on("after leaving", function(ack) socket:disconnect() ack("late") end)
    socket:on("order", function(ack) socket:emit("before") ack("ack") socket:emit("after") end)
    socket:on("wants", function(...)
      local args, ack = host.split(...)
      record(socket, "wants", ack ~= nil, args.n)
    end)

    -- answers from the client
    socket:on("ask", function(seconds, ...)
      local answer, err = socket:timeout(seconds):emit_with_ack("q", ...)
      if err then record(socket, "no answer", err) else record(socket, "answer", answer) end
      socket:emit("asked")
    end)
    socket:on("ask by callback", function(seconds, ...)
      local args = table.pack(...)
      args.n = args.n + 1
      args[args.n] = function(err, ...)
        record(socket, "called back", err, ...)
        socket:emit("asked")
      end
      socket:timeout(seconds):emit("q", host.unpack(args))
    end)
    socket:on("ask without timeout", function(...)
      local args = table.pack(...)
      args.n = args.n + 1
      args[args.n] = function(_, ...) -- api.md: the error comes first, also without a timeout
        record(socket, "called back", ...)
        socket:emit("asked")
      end
      socket:emit("q", host.unpack(args))
    end)
    socket:on("ask many times", function(count)
      local answers, left = sioc.array {}, count
      for i = 0, count - 1 do
        sioc.spawn(function()
          answers[i + 1] = socket:timeout(10):emit_with_ack("q", i)
          left = left - 1
          if left > 0 then return end
          record(socket, "answers", answers)
          socket:emit("asked")
        end)
      end
    end)

    -- answers from many
    socket:on("join", function(room, ack) socket:join(room) ack() end)
    socket:on("ask all", function(seconds, spec, ...)
      local op = (spec.broadcast and socket.broadcast or nsp):timeout(seconds)
      if spec.to then op = op:to(table.unpack(spec.to)) end
      if spec.except then op = op:except(table.unpack(spec.except)) end
      local answers, err = op:emit_with_ack("q", ...)
      if err then
        record(socket, "some answers", err, host.unordered(answers))
      else
        record(socket, "answers", host.unordered(answers))
      end
      socket:emit("asked")
    end)
    socket:on("ask all by callback", function(seconds)
      nsp:timeout(seconds):emit("q", function(err, answers)
        record(socket, "called back", err, host.unordered(answers))
        socket:emit("asked")
      end)
    end)
  end)
end
