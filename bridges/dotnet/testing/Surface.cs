using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace Landbridge.Testing
{
    /// <summary>Prints the public surface of an assembly, one member a line, sorted: what connectors may be compiled against.</summary>
    internal static class Surface
    {
        private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

        private static void Main(string[] values)
        {
            foreach (Type type in Assembly.LoadFrom(values[0]).GetExportedTypes().OrderBy(one => one.FullName, StringComparer.Ordinal))
            {
                Console.WriteLine(Kind(type) + " " + type.FullName + (type.BaseType == null || type.IsEnum || type.IsValueType || type.BaseType == typeof(object) ? "" : " : " + Name(type.BaseType)));
                foreach (string line in Members(type).OrderBy(one => one, StringComparer.Ordinal)) Console.WriteLine("  " + line);
            }
        }

        private static string Kind(Type type)
        {
            if (type.IsEnum) return type.IsDefined(typeof(FlagsAttribute), false) ? "flags" : "enum";
            if (type.IsInterface) return "interface";
            if (type.IsAbstract && type.IsSealed) return "static class";
            return (type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "") + "class";
        }

        private static IEnumerable<string> Members(Type type)
        {
            if (type.IsEnum)
            {
                foreach (object value in Enum.GetValues(type)) yield return Convert.ToInt32(value) + " " + value;
                yield break;
            }
            foreach (ConstructorInfo one in type.GetConstructors(Declared))
                if (Visible(one)) yield return Access(one) + "new(" + Parameters(one) + ")";
            foreach (FieldInfo one in type.GetFields(Declared))
                if (one.IsPublic) yield return (one.IsStatic ? "static " : "") + Name(one.FieldType) + " " + one.Name;
            foreach (PropertyInfo one in type.GetProperties(Declared))
            {
                MethodInfo get = one.GetGetMethod(true);
                MethodInfo set = one.GetSetMethod(true);
                if (get == null || !Visible(get)) continue;
                string index = one.GetIndexParameters().Length == 0 ? one.Name : "this[" + string.Join(", ", one.GetIndexParameters().Select(each => Name(each.ParameterType))) + "]";
                yield return Access(get) + Name(one.PropertyType) + " " + index + " {get" + (set != null && Visible(set) ? ";set" : "") + "}";
            }
            foreach (MethodInfo one in type.GetMethods(Declared))
                if (Visible(one) && !one.IsSpecialName && !(one.IsVirtual && one.GetBaseDefinition() != one)) yield return Access(one) + Name(one.ReturnType) + " " + one.Name + "(" + Parameters(one) + ")";
        }

        private static bool Visible(MethodBase method)
        {
            return method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;
        }

        private static string Access(MethodBase method)
        {
            return (method.IsPublic ? "" : "protected ") + (method.IsStatic ? "static " : "");
        }

        private static string Parameters(MethodBase method)
        {
            return string.Join(", ", method.GetParameters().Select(one => (one.IsOut ? "out " : one.ParameterType.IsByRef ? "ref " : "") + Name(one.ParameterType)));
        }

        private static string Name(Type type)
        {
            if (type.IsByRef) return Name(type.GetElementType());
            if (type.IsArray) return Name(type.GetElementType()) + "[]";
            if (!type.IsGenericType) return type == typeof(void) ? "void" : type.Name;
            return type.Name.Substring(0, type.Name.IndexOf('`')) + "<" + string.Join(",", type.GetGenericArguments().Select(Name)) + ">";
        }
    }
}
