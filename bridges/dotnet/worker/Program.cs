using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Reflection;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    /// <summary>
    /// landbridge-worker --directory DIR [--dll NAME] [--class NAME]: serves the wire protocol (docs/reference/wire-protocol.md)
    /// for one ECMA2 connector. The reading thread only sorts requests; connector code runs on lanes.
    /// </summary>
    internal sealed class Program
    {
        private const int ProtocolVersion = 1;
        private readonly Connection connection;
        private readonly Log log;
        private readonly Dictionary<string, string> options;
        private readonly Lane questions = new Lane("questions");
        private readonly LanePool lanes = new LanePool();
        private readonly Dictionary<string, Place> sessions = new Dictionary<string, Place>();
        private readonly Dictionary<string, Request> underWay = new Dictionary<string, Request>();
        private Package package;
        private ParameterSet parameters;
        private Description description;
        private string connectorName = "";
        private int nextSession = 1;

        private Program(Connection connection, Dictionary<string, string> options)
        {
            this.connection = connection;
            this.options = options;
            log = new Log(connection);
        }

        private static int Main(string[] values)
        {
            Stream input;
            Stream output;
            StandardStreams.Take(out input, out output);
            Dictionary<string, string> options = new Dictionary<string, string>();
            for (int index = 0; index + 1 < values.Length; index += 2) options[values[index].TrimStart('-')] = values[index + 1];
            Program program = new Program(new Connection(input, output), options);
            program.Serve();
            StandardStreams.Die();
            return 0;
        }

        private void Serve()
        {
            log.Redirect();
            CodePages.Register();
            AppDomain.CurrentDomain.UnhandledException += (sender, unhandled) =>
                log.Write("error", "the connector threw on a thread of its own, which ends the worker: " + unhandled.ExceptionObject);
            connection.StartHeartbeat();
            try
            {
                connection.Read(Handle);
            }
            catch (ProtocolException error)
            {
                log.Write("error", error.Message);
            }
        }

        private void Handle(Request request)
        {
            if (request.Method == "cancel")
            {
                Request cancelled;
                lock (underWay)
                    if (underWay.TryGetValue(Convert.ToString(request.Params.Get("id"), CultureInfo.InvariantCulture), out cancelled)) cancelled.Cancelled = true;
                return;
            }
            if (request.Id == null) return;
            try
            {
                Route(request);
            }
            catch (Exception error)
            {
                request.Fail(error);
            }
        }

        private void Route(Request request)
        {
            switch (request.Method)
            {
                case "initialize":
                    Run(questions, request, () => Initialize(request));
                    return;
                case "capabilities":
                    Ask(request, writer => description.WriteCapabilities(writer, request.Params.Object("parameters")));
                    return;
                case "parameters":
                    Ask(request, writer => description.WriteParameters(writer, request.Params));
                    return;
                case "validate":
                    Ask(request, writer => description.WriteProblems(writer, request.Params));
                    return;
                case "schema":
                    Ask(request, writer => description.WriteSchema(writer, request.Params.Object("parameters")));
                    return;
                case "partitions":
                    Ask(request, writer => description.WritePartitions(writer, request.Params.Object("parameters")));
                    return;
                case "hierarchy":
                    Ask(request, writer => description.WriteHierarchy(writer, request.Params));
                    return;
                case "import.open":
                    Open(request, lane => new ImportSession(lane, lanes, package.CreateImport(), message => log.Write("warn", message)), (session, number) => session.Open(request, Parameters(request), number));
                    return;
                case "import.read":
                    Use<ImportSession>(request, session => session.Read(request), false);
                    return;
                case "import.close":
                    Use<ImportSession>(request, session => session.Close(request), true);
                    return;
                case "export.open":
                    Open(request, lane => new ExportSession(lane, package.CreateExport()), (session, number) => session.Open(request, Parameters(request), number));
                    return;
                case "export.put":
                    Use<ExportSession>(request, session => session.Put(request), false);
                    return;
                case "export.close":
                    Use<ExportSession>(request, session => session.Close(request), true);
                    return;
                case "password.open":
                    Open(request, lane => new PasswordSession(lane, package.Create<IMAExtensible2Password>(), connectorName), (session, number) => session.Open(request, Parameters(request), number));
                    return;
                case "password.set":
                    Use<PasswordSession>(request, session => session.Set(request), false);
                    return;
                case "password.change":
                    Use<PasswordSession>(request, session => session.Change(request), false);
                    return;
                case "password.close":
                    Use<PasswordSession>(request, session => session.Close(request), true);
                    return;
            }
            throw new WorkerException("not-supported", "this worker does not know the method '" + request.Method + "'");
        }

        private void Initialize(Request request)
        {
            if (!request.Params.List("protocols").Contains((long)ProtocolVersion)) throw new ProtocolException("this worker speaks version " + ProtocolVersion + " of the protocol");
            string directory;
            if (!options.TryGetValue("directory", out directory)) throw new WorkerException("invalid-configuration", "the worker was started without --directory");
            directory = Path.GetFullPath(directory);
            connectorName = request.Params.Text("connector") ?? "";
            string folder = request.Params.Text("folder") ?? directory;
            MAUtils.SetFolder(folder);
            Utils.SetExtensionsDirectory(directory);
            if (Directory.Exists(folder)) Environment.CurrentDirectory = folder;
            string culture = Option("culture");
            if (culture != null) CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = new CultureInfo(culture);
            package = new Package(directory, Option("called"), Option("class"), Option("powershell"), message => log.Write("warn", message));
            package.Load(Option("dll"));
            string files = Option("file");
            if (files != null || package.IsFileBased) package.FileFormat = new FileFormat(new Fields(files == null ? null : JsonReader.Parse(files)));
            parameters = new ParameterSet(package, message => log.Write("warn", message));
            description = new Description(package, parameters);
            AssemblyName name = package.Assembly.GetName();
            request.Answer(questions.Writer, writer =>
            {
                writer.Field("protocol", ProtocolVersion).Name("worker").Open('{').Field("name", "landbridge-dotnet").Field("version", "1").Field("runtime", Advice.Runtime).Field("heartbeatSeconds", 5).Field("pipelines", true).Close('}');
                writer.Name("connector").Open('{').Field("name", name.Name).Field("version", name.Version == null ? "0" : name.Version.ToString()).Close('}');
            });
        }

        private string Option(string name)
        {
            string value;
            return options.TryGetValue(name, out value) && value.Length > 0 ? value : null;
        }

        private ConfigParameterSet Parameters(Request request)
        {
            return parameters.Build(request.Params.Object("parameters"));
        }

        private void Ask(Request request, Action<JsonWriter> write)
        {
            Run(questions, request, () =>
            {
                Loaded();
                try
                {
                    request.Answer(questions.Writer, write);
                }
                finally
                {
                    questions.Restore();
                }
            });
        }

        private void Loaded()
        {
            if (description == null) throw new ProtocolException("the first request must be 'initialize'");
        }

        /// <summary>
        /// A new connector object for the run, made on the lane that will use it. The place of the session is there at once: requests
        /// of a session that the host named may be here before it is open, and find it open, or not, when the lane comes to them.
        /// </summary>
        private void Open<T>(Request request, Func<Lane, T> create, Action<T, int> open) where T : Session
        {
            int number = nextSession++;
            string name = request.Params.Text("session") ?? NameOf(number);
            Place place = new Place(lanes);
            lock (sessions)
            {
                if (sessions.ContainsKey(name)) throw new ProtocolException("there is a session " + name + " already");
                sessions[name] = place;
            }
            Run(place.Lane, request, () =>
            {
                try
                {
                    Loaded();
                    T session = create(place.Lane);
                    place.Session = session;
                    open(session, number);
                }
                catch (Exception)
                {
                    Leave(name, place);
                    throw;
                }
            });
        }

        private void Use<T>(Request request, Action<T> act, bool last) where T : Session
        {
            string name = request.Params.Text("session") ?? NameOf(request.Params.Number("session", 0));
            Place place;
            lock (sessions) sessions.TryGetValue(name, out place);
            if (place == null) throw NotOpen(name);
            Action work = () =>
            {
                T session = place.Session as T;
                if (session == null) throw NotOpen(name);
                try
                {
                    act(session);
                }
                finally
                {
                    if (last) Leave(name, place);
                }
            };
            // Reads of an import are answered beside the connector, which makes the next page meanwhile; it closes after them.
            ImportSession import = place.Session as ImportSession;
            if (import == null) Run(place.Lane, request, work);
            else if (last) import.Reading.Do(() => Run(place.Lane, request, work));
            else Run(import.Reading, request, work);
        }

        /// <summary>Called on the lane of the session, at most once.</summary>
        private void Leave(string name, Place place)
        {
            place.Session = null;
            lock (sessions) sessions.Remove(name);
            lanes.Return(place.Lane);
        }

        private static Exception NotOpen(string name)
        {
            return new WorkerException("terminated", "the session " + name + " is not open");
        }

        private static string NameOf(int number)
        {
            return number.ToString(CultureInfo.InvariantCulture);
        }

        /// <summary>Where a session is or will be.</summary>
        private sealed class Place
        {
            internal readonly Lane Lane;
            internal volatile Session Session;

            internal Place(LanePool lanes)
            {
                Lane = lanes.Take();
            }
        }

        private void Run(Lane lane, Request request, Action work)
        {
            string id = Convert.ToString(request.Id, CultureInfo.InvariantCulture);
            lock (underWay) underWay[id] = request;
            lane.Do(request, () =>
            {
                try
                {
                    if (request.Cancelled) throw new WorkerException("cancelled", "the host cancelled the call");
                    work();
                }
                finally
                {
                    lock (underWay) underWay.Remove(id);
                }
            });
        }
    }
}
