using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Landbridge.Sample
{
    /// <summary>One object of the application: its type, its key, and the values of its attributes as text.</summary>
    public sealed class StoredObject
    {
        public StoredObject(string type, string key)
        {
            Type = type;
            Key = key;
            Values = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        }

        public string Type { get; private set; }

        public string Key { get; private set; }

        public string Dn { get; set; }

        public SortedDictionary<string, List<string>> Values { get; private set; }

        public string First(string attribute)
        {
            List<string> values;
            return Values.TryGetValue(attribute, out values) && values.Count > 0 ? values[0] : null;
        }
    }

    /// <summary>
    /// The application: a folder with one file for each object, a log of changes for deltas, and a log of calls, which shows what a
    /// host asked of the connector. Files are replaced whole, so that a killed process leaves the old one or the new one.
    /// </summary>
    public sealed class DirectoryStore
    {
        private readonly string folder;

        public DirectoryStore(string folder)
        {
            this.folder = folder;
        }

        public bool Exists
        {
            get { return Directory.Exists(folder); }
        }

        private string ChangeLog
        {
            get { return Path.Combine(folder, "changes.log"); }
        }

        public StoredObject Read(string type, string key)
        {
            string file = FileOf(type, key);
            if (!File.Exists(file)) return null;
            StoredObject found = new StoredObject(type, key);
            foreach (string line in File.ReadAllLines(file, Encoding.UTF8))
            {
                int colon = line.IndexOf(':');
                if (colon < 0) continue;
                string name = line.Substring(0, colon);
                string value = Uri.UnescapeDataString(line.Substring(colon + 1));
                if (name == "dn")
                {
                    found.Dn = value;
                    continue;
                }
                if (!found.Values.ContainsKey(name)) found.Values[name] = new List<string>();
                found.Values[name].Add(value);
            }
            return found;
        }

        public void Write(StoredObject item, string operation)
        {
            StringBuilder text = new StringBuilder();
            if (item.Dn != null) text.Append("dn:").Append(Escape(item.Dn)).Append('\n');
            foreach (KeyValuePair<string, List<string>> attribute in item.Values)
                foreach (string value in attribute.Value) text.Append(attribute.Key).Append(':').Append(Escape(value)).Append('\n');
            StoredObject before = Read(item.Type, item.Key);
            if (before != null && before.First("login") != item.First("login")) ReleaseLogin(before);
            string file = FileOf(item.Type, item.Key);
            Directory.CreateDirectory(Path.GetDirectoryName(file));
            if (item.First("login") != null)
            {
                Directory.CreateDirectory(Path.Combine(folder, "logins"));
                File.WriteAllText(LoginFile(item.First("login")), item.Key, new UTF8Encoding(false));
            }
            string draft = file + ".new";
            File.WriteAllText(draft, text.ToString(), new UTF8Encoding(false));
            if (File.Exists(file)) File.Delete(file);
            File.Move(draft, file);
            Note(item.Type, item.Key, operation, item.Dn);
        }

        public void Delete(StoredObject item)
        {
            File.Delete(FileOf(item.Type, item.Key));
            ReleaseLogin(item);
            Note(item.Type, item.Key, "delete", item.Dn);
        }

        /// <summary>Who has a login: one small file for each keeps them unique without reading everybody.</summary>
        public string OwnerOf(string login)
        {
            return File.Exists(LoginFile(login)) ? File.ReadAllText(LoginFile(login)) : null;
        }

        private void ReleaseLogin(StoredObject item)
        {
            string login = item.First("login");
            if (login != null && OwnerOf(login) == item.Key) File.Delete(LoginFile(login));
        }

        private string LoginFile(string login)
        {
            return Path.Combine(Path.Combine(folder, "logins"), Escape(login.ToLowerInvariant()));
        }

        public IEnumerable<StoredObject> List(string type)
        {
            string directory = Path.Combine(folder, type);
            if (!Directory.Exists(directory)) yield break;
            string[] files = Directory.GetFiles(directory, "*.txt");
            Array.Sort(files, StringComparer.Ordinal);
            foreach (string file in files)
            {
                StoredObject found = Read(type, Uri.UnescapeDataString(Path.GetFileNameWithoutExtension(file)));
                if (found != null) yield return found;
            }
        }

        /// <summary>The next number of a type: as an identity column would give it.</summary>
        public string NextKey(string type)
        {
            string counter = Path.Combine(folder, type + ".next");
            long next = File.Exists(counter) ? long.Parse(File.ReadAllText(counter)) : 1000;
            Directory.CreateDirectory(folder);
            File.WriteAllText(counter, (next + 1).ToString());
            return next.ToString();
        }

        /// <summary>How many changes there were: the watermark.</summary>
        public int CountChanges()
        {
            return File.Exists(ChangeLog) ? File.ReadAllLines(ChangeLog).Length : 0;
        }

        /// <summary>Type, key, operation and name of the changes after a watermark, the last one of each object.</summary>
        public List<string[]> ChangesAfter(int watermark)
        {
            string[] lines = File.Exists(ChangeLog) ? File.ReadAllLines(ChangeLog) : new string[0];
            if (watermark > lines.Length) throw new ArgumentOutOfRangeException("watermark");
            List<string> order = new List<string>();
            Dictionary<string, string[]> last = new Dictionary<string, string[]>();
            for (int index = watermark; index < lines.Length; index++)
            {
                string[] fields = Array.ConvertAll(lines[index].Split('\t'), Uri.UnescapeDataString);
                string id = fields[0] + "\t" + fields[1];
                order.Remove(id);
                order.Add(id);
                last[id] = fields;
            }
            return order.ConvertAll(id => last[id]);
        }

        /// <summary>
        /// For trying hosts: where fault.txt names this point, the process dies here, once. A host must settle what that leaves behind.
        /// </summary>
        public void DieAt(string point)
        {
            string file = Path.Combine(folder, "fault.txt");
            if (!File.Exists(file) || File.ReadAllText(file).Trim() != point) return;
            File.Delete(file);
            System.Diagnostics.Process.GetCurrentProcess().Kill();
            System.Threading.Thread.Sleep(System.Threading.Timeout.Infinite);
        }

        /// <summary>As <see cref="DieAt"/>: where wait.txt names this point, the call stays here until the file is gone.</summary>
        public void WaitAt(string point)
        {
            string file = Path.Combine(folder, "wait.txt");
            while (File.Exists(file) && File.ReadAllText(file).Trim() == point) System.Threading.Thread.Sleep(10);
        }

        public void LogCall(string line)
        {
            if (Exists) File.AppendAllText(Path.Combine(folder, "calls.log"), line + "\n", new UTF8Encoding(false));
        }

        private void Note(string type, string key, string operation, string dn)
        {
            File.AppendAllText(ChangeLog, Escape(type) + "\t" + Escape(key) + "\t" + operation + "\t" + Escape(dn ?? "") + "\n");
        }

        private string FileOf(string type, string key)
        {
            return Path.Combine(Path.Combine(folder, type), Escape(key).Replace(".", "%2E") + ".txt");
        }

        /// <summary>In pieces: the framework refuses long texts, and lone surrogates.</summary>
        private static string Escape(string value)
        {
            StringBuilder text = new StringBuilder(value.Length + 16);
            foreach (char character in value)
            {
                if (character == '%' || character == ':' || character == '/' || character < ' ' || character == '\\') text.Append('%').Append(((int)character).ToString("X2"));
                else text.Append(character);
            }
            return text.ToString();
        }
    }
}
