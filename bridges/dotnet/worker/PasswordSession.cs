using System;
using System.Collections.Generic;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    /// <summary>A connection for passwords. Errors are exceptions only (contract page 3.5).</summary>
    internal sealed class PasswordSession : Session
    {
        private readonly IMAExtensible2Password connector;
        private readonly string agentName;
        private Schema schema;
        private bool open;

        internal PasswordSession(Lane lane, IMAExtensible2Password connector, string agentName) : base(lane)
        {
            if (connector == null) throw new WorkerException("not-supported", "no class of the connector implements IMAExtensible2Password");
            this.connector = connector;
            this.agentName = agentName;
        }

        internal void Open(Request request, ConfigParameterSet parameters, int number)
        {
            schema = WireSchema.Read(request.Params.Object("schema"));
            open = true;
            connector.OpenPasswordConnection(parameters, WireSchema.ReadPartition(request.Params.Object("partition")));
            bool secure = connector.GetConnectionSecurityLevel() == ConnectionSecurityLevel.Secure;
            request.Answer(Lane.Writer, writer => writer.Field("session", number).Field("security", secure ? "secure" : "not-secure"));
        }

        internal void Set(Request request)
        {
            Fields options = request.Params.Object("options");
            PasswordOptions flags = PasswordOptions.None;
            if (options.Flag("forceChangeAtLogOn")) flags |= PasswordOptions.ForceChangeAtLogOn;
            if (options.Flag("unlockAccount")) flags |= PasswordOptions.UnlockAccount;
            if (options.Flag("validatePassword")) flags |= PasswordOptions.ValidatePassword;
            connector.SetPassword(ReadEntry(request.Params.Object("entry")), ParameterSet.Secure(request.Params.Required("password")), flags);
            request.Answer(Lane.Writer, writer => { });
        }

        internal void Change(Request request)
        {
            connector.ChangePassword(ReadEntry(request.Params.Object("entry")), ParameterSet.Secure(request.Params.Required("oldPassword")), ParameterSet.Secure(request.Params.Required("newPassword")));
            request.Answer(Lane.Writer, writer => { });
        }

        internal void Close(Request request)
        {
            if (open)
            {
                open = false;
                connector.ClosePasswordConnection();
            }
            request.Answer(Lane.Writer, writer => { });
        }

        private CSEntry ReadEntry(Fields wire)
        {
            string objectType = wire.Required("objectType");
            Dictionary<string, DetachedAttrib> attributes = new Dictionary<string, DetachedAttrib>();
            foreach (string part in new[] { "attributes", "anchor" })
                foreach (KeyValuePair<string, object> one in wire.Object(part).All)
                {
                    bool known = schema.Types.Contains(objectType) && schema.Types[objectType].Attributes.Contains(one.Key);
                    AttributeType type = known ? schema.Types[objectType].Attributes[one.Key].DataType : AttributeType.String;
                    attributes[one.Key] = new DetachedAttrib(one.Key, type, known && schema.Types[objectType].Attributes[one.Key].IsMultiValued, WireValues.ReadAll(type, one.Value));
                }
            return new DetachedEntry(agentName, objectType, wire.Text("dn") ?? WireValues.NameOf(wire.Object("anchor")), attributes);
        }
    }
}
